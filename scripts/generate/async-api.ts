import { catalogue, contexts, topicPartitions, type Context, type EventDefinition } from '#events';
import type { GeneratedFile } from './event-docs.ts';
import type { JsonSchema } from './schema-compatibility.ts';

const meanings: Readonly<Record<Context, string>> = {
  stream: 'Live streams: their publishers, encoders and segments.',
  cache: 'Purges of the CDN, asked for and applied.',
  edge: 'Edges of the CDN and their counters.',
  access: 'API keys, tenants, and refusals.',
  content: 'Content as backend teams publish it.',
  playback: 'What players report of playbacks.',
  operation: 'What operators have to see.',
  zone: 'Sites behind the edges: their hosts, origins and rules; what operators decide about edges.',
  traffic: 'What edges answered: their access log, counters and what was asked for most.',
};

const text = { type: 'string' };

/** CloudEvents Kafka binding, binary mode: the attributes as headers. */
const headers: JsonSchema = {
  type: 'object',
  description:
    'All of them are there in what the platform publishes. Who publishes straight to Kafka sends ce_specversion, ce_id, ce_source and ce_type, and the key; the rest is set where it is left out.',
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: text,
    ce_type: text,
    ce_source: text,
    ce_subject: text,
    ce_time: { type: 'string', format: 'date-time' },
    ce_dataschema: text,
    ce_partitionkey: text,
    ce_tenant: text,
    ce_correlationid: text,
    ce_causationid: text,
    ce_traceparent: text,
    ce_actor: text,
    ce_streamversion: { type: 'string', pattern: '^\\d{1,19}$' },
    ce_producerepoch: { type: 'string', pattern: '^\\d{1,19}$' },
    'content-type': { type: 'string', const: 'application/json' },
  },
  required: ['ce_specversion', 'ce_id', 'ce_type', 'ce_source', 'ce_subject', 'ce_time', 'ce_dataschema', 'ce_tenant', 'ce_correlationid', 'ce_causationid'],
};

function messageOf(definition: EventDefinition, schema: JsonSchema): JsonSchema {
  const { $schema: _, $id: __, ...payload } = schema;
  const sample = definition.samples.at(-1) as object;
  return {
    name: definition.type,
    title: definition.type,
    summary: definition.meaning,
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/attributes' },
    payload,
    examples: [{ name: 'sample', payload: sample }],
    bindings: { kafka: { key: { type: 'string', description: `Of the sample: ${definition.key(sample)}` } } },
  };
}

function nameOf(type: string): string {
  return type.replaceAll('.', '_').replaceAll('-', '_');
}

/** The AsyncAPI 3 document: what can be read from each topic, and what may be published to it. */
export function asyncApiFile(schemaOf: (type: string, version: number) => JsonSchema): GeneratedFile {
  const definitions = catalogue as readonly EventDefinition[];
  const of = (context: Context, open: boolean) => definitions.filter((each) => each.context === context && (!open || each.publishers === 'anyone'));
  const refs = (context: Context, open: boolean) => of(context, open).map(({ type }) => ({ $ref: `#/channels/${context}/messages/${nameOf(type)}` }));
  const channels = contexts.map((context) => {
    const messages = Object.fromEntries(of(context, false).map(({ type }) => [nameOf(type), { $ref: `#/components/messages/${nameOf(type)}` }]));
    return [
      context,
      { address: context, description: meanings[context], messages, bindings: { kafka: { topic: context, partitions: topicPartitions } } },
    ] as const;
  });
  const operation = (action: 'send' | 'receive', context: Context, open: boolean, summary: string) => ({
    action,
    channel: { $ref: `#/channels/${context}` },
    summary,
    messages: refs(context, open),
  });
  const sends = contexts.map((context) => [`read_${context}`, operation('send', context, false, `Streams tells what happened: ${meanings[context]}`)] as const);
  const receives = contexts
    .filter((context) => of(context, true).length > 0)
    .map(
      (context) => [`publish_${context}`, operation('receive', context, true, `Streams takes these events from whoever has the right to ${context}.`)] as const,
    );
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Streams',
      version: '1',
      description: 'Every event is a CloudEvents 1.0 event. One topic per context; events of one key keep their order.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries([...sends, ...receives]),
    components: {
      messages: Object.fromEntries(definitions.map((each) => [nameOf(each.type), messageOf(each, schemaOf(each.type, each.version))])),
      schemas: { attributes: headers },
    },
  };
  return { path: 'docs/asyncapi.json', text: `${JSON.stringify(document, undefined, 2)}\n` };
}
