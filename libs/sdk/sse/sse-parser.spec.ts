import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SseParser, type SseMessage } from './sse-parser.ts';

function parse(chunks: readonly string[]): SseMessage[] {
  const parser = new SseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

describe('SseParser', () => {
  test.each<readonly [string, string, SseMessage[]]>([
    ['one message', 'id: 7\ndata: hello\n\n', [{ id: '7', event: 'message', data: 'hello' }]],
    ['several data lines', 'data: a\ndata: b\n\n', [{ id: '', event: 'message', data: 'a\nb' }]],
    ['a named event', 'event: gap\ndata: x\n\n', [{ id: '', event: 'gap', data: 'x' }]],
    ['a comment as heartbeat', ': beat\n\ndata: x\n\n', [{ id: '', event: 'message', data: 'x' }]],
    [
      'an id that stays',
      'id: 1\ndata: a\n\ndata: b\n\n',
      [
        { id: '1', event: 'message', data: 'a' },
        { id: '1', event: 'message', data: 'b' },
      ],
    ],
    ['CRLF', 'data: a\r\n\r\n', [{ id: '', event: 'message', data: 'a' }]],
    ['no space after the colon', 'data:a\n\n', [{ id: '', event: 'message', data: 'a' }]],
    ['an unfinished message', 'data: a\n', []],
  ])('%s', (_name, text, messages) => {
    expect(parse([text])).toEqual(messages);
  });

  test('where the chunks are cut does not matter', () => {
    const text = 'id: 1\r\ndata: ü\r\n\r\n: beat\n\nevent: e\nid: 2\ndata: b\ndata: c\n\n';
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, i) => text.slice(at[i], end));
        expect(parse(chunks)).toEqual(parse([text]));
      }),
    );
  });

  test('only complete messages move the resume id', () => {
    const parser = new SseParser();
    parser.push('id: 1\ndata: a\n\nid: 2\ndata: b\n');
    expect(parser.lastId).toBe('1');
    parser.push('\n');
    expect(parser.lastId).toBe('2');
  });

  test('gives up on a line without end instead of growing', () => {
    const parser = new SseParser();
    expect(() => parser.push('x'.repeat(5 * 1024 * 1024))).toThrow(RangeError);
  });

  test('gives up on a message without end instead of growing', () => {
    const parser = new SseParser(100);
    expect(() => Array.from({ length: 20 }, () => parser.push('data: 0123456789\n'))).toThrow(RangeError);
  });
});
