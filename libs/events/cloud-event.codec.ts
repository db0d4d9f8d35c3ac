import type { StoredRecord } from './record.ts';

/** CloudEvents attributes in the order in which people read them. */
const attributes = [
  'specversion',
  'id',
  'type',
  'source',
  'subject',
  'time',
  'dataschema',
  'partitionkey',
  'tenant',
  'actor',
  'correlationid',
  'causationid',
  'traceparent',
  'streamversion',
  'producerepoch',
] as const;

/** The data as JSON; a value that is not JSON is shown as the text it is, so that a broken record can be looked at. */
function dataOf(value: string): { readonly name: 'data' | 'data_text'; readonly json: string } {
  try {
    JSON.parse(value);
    // A JSON text may have line breaks between its tokens; a line of an event stream may not.
    return { name: 'data', json: /[\r\n]/.test(value) ? JSON.stringify(JSON.parse(value)) : value };
  } catch {
    return { name: 'data_text', json: JSON.stringify(value) };
  }
}

/**
 * CloudEvents 1.0 JSON (structured mode) of a record, one line, without judging it: the browser of events must also show
 * what today's catalogue refuses. `recordedtime` is the extension of that name; `partition` and `offset` say where the
 * record stands.
 */
export function cloudEventJson(topic: string, record: StoredRecord): string {
  const { headers, partition, offset, recordedAt } = record;
  const parts: string[] = [];
  for (const name of attributes) {
    const value = headers[`ce_${name}`];
    if (value !== undefined && value !== '') parts.push(`"${name}":${JSON.stringify(value)}`);
  }
  const data = dataOf(record.value);
  parts.push(`"recordedtime":"${new Date(recordedAt).toISOString()}"`, `"topic":${JSON.stringify(topic)}`, `"partition":${partition}`, `"offset":"${offset}"`);
  parts.push('"datacontenttype":"application/json"', `"${data.name}":${data.json}`);
  return `{${parts.join(',')}}`;
}
