import { describe, expect, test } from '@jest/globals';
import { LineSplitter } from './line-splitter.ts';
import { parseLogLine, toJson, toReadable } from './log-line.ts';

const at = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();

describe('a log line', () => {
  test.each([
    ['a word as level', '{"level":"warn","time":5,"msg":"slow"}', 'warn'],
    ['a number as level', '{"level":40,"time":5,"msg":"slow"}', 'warn'],
    ['no level', '{"time":5,"msg":"slow"}', 'info'],
  ])('with %s', (_, text, level) => {
    expect(parseLogLine('edge', text, 'error', at)).toEqual({ app: 'edge', level, msg: 'slow', timeMs: 5, fields: {} });
  });

  test('keeps what else it says', () => {
    const line = parseLogLine('edge', '{"level":"info","msg":"a","ready":true,"url":"http://x","pid":3,"node":"n","name":"edge"}', 'error', at);
    expect(line.fields).toEqual({ ready: true, url: 'http://x' });
    expect(line.timeMs).toBe(at);
  });

  test.each([['not json'], ['{"broken'], ['[1]'], ['{}x']])('takes %s as a message', (text) => {
    expect(parseLogLine('edge', text, 'warn', at)).toEqual({ app: 'edge', level: 'warn', msg: text, timeMs: at, fields: {} });
  });

  test('is readable', () => {
    const line = { app: 'edge', level: 'error', msg: 'fill failed', timeMs: at, fields: { url: '/a', err: { message: 'refused' }, none: null } };
    expect(toReadable(line, false)).toBe('03:04:05.006 edge      error fill failed url=/a err=refused');
    expect(toReadable(line, true)).toContain('\u001b[31merror\u001b[0m');
  });

  test('cuts what would fill the screen', () => {
    expect(toReadable({ app: 'edge', level: 'info', msg: 'm', timeMs: at, fields: { stack: 'x'.repeat(5000) } }, false).length).toBeLessThan(500);
  });

  test('is JSON for machines', () => {
    expect(JSON.parse(toJson({ app: 'edge', level: 'info', msg: 'm', timeMs: 7, fields: { a: 1 } }))).toEqual({
      level: 'info',
      time: 7,
      name: 'edge',
      msg: 'm',
      a: 1,
    });
  });
});

describe('the line splitter', () => {
  function linesOf(chunks: readonly string[], charsMax?: number): string[] {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line), charsMax);
    for (const chunk of chunks) splitter.push(new TextEncoder().encode(chunk));
    splitter.end();
    return lines;
  }

  test('joins what arrives in pieces', () => {
    expect(linesOf(['a', 'b\nc\r\n\n', 'd'])).toEqual(['ab', 'c', 'd']);
  });

  test('joins a character that was cut', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const bytes = new TextEncoder().encode('é\n');
    splitter.push(bytes.subarray(0, 1));
    splitter.push(bytes.subarray(1));
    expect(lines).toEqual(['é']);
  });

  test('cuts a line without end', () => {
    expect(linesOf(['x'.repeat(25)], 10)).toEqual(['x'.repeat(10)]);
    expect(linesOf(['x'.repeat(25), 'y\n'], 10)).toEqual(['x'.repeat(10), 'y']);
  });
});
