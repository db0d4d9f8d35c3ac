import { describe, expect, test } from '@jest/globals';
import type { StoredRecord } from '#events';
import { cloudEventJson } from './cloud-event.codec.ts';

const headers = {
  ce_specversion: '1.0',
  ce_id: 'e-1',
  ce_type: 'stream.stopped',
  ce_subject: 'st-1',
  ce_traceparent: '',
  ce_actor: 'key:k-1',
  'content-type': 'application/json',
};
const record = (value: string): StoredRecord => ({ key: 'st-1', headers, value, partition: 3, offset: 9_007_199_254_740_993n, recordedAt: 0 });

describe('a record as it is shown', () => {
  test('a CloudEvent of one line', () => {
    const shown = cloudEventJson('stream', record('{"a":"\\n"}'));
    expect(JSON.parse(shown)).toEqual({
      specversion: '1.0',
      id: 'e-1',
      type: 'stream.stopped',
      subject: 'st-1',
      actor: 'key:k-1',
      recordedtime: '1970-01-01T00:00:00.000Z',
      topic: 'stream',
      partition: 3,
      offset: '9007199254740993',
      datacontenttype: 'application/json',
      data: { a: '\n' },
    });
    expect(shown).not.toContain('\n');
  });

  test('line breaks between tokens do not break the line', () => {
    const shown = cloudEventJson('stream', record('{\r\n"a":\n1}'));
    expect(shown).not.toMatch(/[\r\n]/);
    expect(JSON.parse(shown)).toEqual(expect.objectContaining({ data: { a: 1 } }));
  });

  test('what is not JSON is shown as the text that it is', () => {
    expect(JSON.parse(cloudEventJson('stream', record('{oops\n')))).toEqual(expect.objectContaining({ data_text: '{oops\n' }));
  });
});
