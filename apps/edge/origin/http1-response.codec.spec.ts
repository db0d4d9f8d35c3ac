import type { Fields } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { FieldLines, Http1Error, Http1Response, type Http1Head, type Http1Sink } from './http1-response.codec.ts';

interface Read {
  readonly head: Http1Head | undefined;
  readonly body: string;
  /** Undefined while it has not ended. */
  readonly keepsOpen: boolean | undefined;
}

/** Reads a response from pieces; `closes` ends the connection behind them. */
function read(pieces: readonly string[], { closes = false, method = 'GET', headBytesMax = 1000, lines = new FieldLines() } = {}): Read {
  let head: Http1Head | undefined;
  let body = '';
  let keepsOpen: boolean | undefined;
  const sink: Http1Sink = {
    head: (got) => (head = got),
    body: (bytes) => (body += Buffer.from(bytes).toString('latin1')),
    end: (after) => (keepsOpen = after === 'keeps-open'),
  };
  const response = new Http1Response(method, headBytesMax, sink, lines);
  for (const piece of pieces) response.push(Buffer.from(piece, 'latin1'));
  if (closes) response.close();
  return { head, body, keepsOpen };
}

const ok = 'HTTP/1.1 200 OK\r\n';
const whole: readonly (readonly [name: string, text: string, status: number, fields: Fields, body: string, keepsOpen: boolean])[] = [
  [
    'a length',
    `${ok}Content-Length: 3\r\nX-A: \t b\t \r\n\r\nabc`,
    200,
    [
      ['content-length', '3'],
      ['x-a', 'b'],
    ],
    'abc',
    true,
  ],
  ['a length of nothing', `${ok}content-length: 0\r\n\r\n`, 200, [['content-length', '0']], '', true],
  [
    'the same length twice',
    `${ok}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`,
    200,
    [
      ['content-length', '3'],
      ['content-length', '3'],
    ],
    'abc',
    true,
  ],
  ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', 204, [], '', true],
  ['not modified, with the length of what is not there', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n', 304, [['content-length', '9']], '', false],
  ['no reason', 'HTTP/1.1 404\r\ncontent-length: 1\r\n\r\nx', 404, [['content-length', '1']], 'x', true],
  [
    'the end of the connection',
    `${ok}connection: close\r\ncontent-length: 1\r\n\r\nx`,
    200,
    [
      ['connection', 'close'],
      ['content-length', '1'],
    ],
    'x',
    false,
  ],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx', 200, [['content-length', '1']], 'x', false],
  [
    'HTTP/1.0 kept',
    'HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\nx',
    200,
    [
      ['connection', 'Keep-Alive'],
      ['content-length', '1'],
    ],
    'x',
    true,
  ],
  ['an interim response', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}content-length: 1\r\n\r\nx`, 200, [['content-length', '1']], 'x', true],
  [
    'a folded line',
    `${ok}x-a: b\r\n\t c\r\ncontent-length: 0\r\n\r\n`,
    200,
    [
      ['x-a', 'b c'],
      ['content-length', '0'],
    ],
    '',
    true,
  ],
  [
    'chunks, extensions and trailers',
    `${ok}transfer-encoding: Chunked\r\n\r\n3;a="b"\r\nabc\r\n0A \r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n`,
    200,
    [['transfer-encoding', 'Chunked']],
    'abc0123456789',
    true,
  ],
  [
    'chunks and a length',
    `${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
    200,
    [['transfer-encoding', 'chunked']],
    'ab',
    false,
  ],
  [
    'bytes that are no ASCII',
    `${ok}x-a: \xe9\r\ncontent-length: 0\r\n\r\n`,
    200,
    [
      ['x-a', '\xe9'],
      ['content-length', '0'],
    ],
    '',
    true,
  ],
];

describe('a response of HTTP/1.1', () => {
  test.each(whole)('with %s ends where it says, however it is cut', (_name, text, status, fields, body, keepsOpen) => {
    const expected = { head: { status, fields }, body, keepsOpen };
    expect(read([text])).toMatchObject(expected);
    expect(read([...text])).toMatchObject(expected);
    for (let at = 1; at < text.length; at++) expect(read([text.slice(0, at), text.slice(at)])).toMatchObject(expected);
  });

  test('is read the same by lines that were seen before', () => {
    const lines = new FieldLines();
    for (let at = 0; at < 1000; at++) {
      const text = `${ok}Content-Length: 1\r\nX-At: ${at}\r\nx-same:  a \r\n\r\nx`;
      const fields = [
        ['content-length', '1'],
        ['x-at', String(at)],
        ['x-same', 'a'],
      ];
      expect(read([text], { lines })).toMatchObject({ head: { status: 200, fields }, body: 'x', keepsOpen: true });
    }
  });

  test.each(whole)('with %s that the connection cuts short is no whole one', (_name, text) => {
    for (let at = 0; at < text.length; at++) expect(() => read([text.slice(0, at)], { closes: true })).toThrow(Http1Error);
  });

  test('ends with the connection where it says no length', () => {
    const text = `${ok}x: y\r\n\r\nabc`;
    expect(read([text])).toMatchObject({ body: 'abc', keepsOpen: undefined });
    expect(read([...text, 'def'], { closes: true })).toMatchObject({ body: 'abcdef', keepsOpen: false });
  });

  test('to HEAD has no body, whatever its length, and gives up the connection: one may follow all the same', () => {
    for (const framing of ['content-length: 9', 'transfer-encoding: chunked', 'x: y'])
      expect(read([`${ok}${framing}\r\n\r\n`], { method: 'HEAD' })).toMatchObject({ body: '', keepsOpen: false });
    const evil = `${ok}content-length: 4\r\n\r\nevil`;
    expect(read([`${ok}content-length: ${evil.length}\r\n\r\n${evil}`], { method: 'HEAD' })).toMatchObject({
      head: { status: 200 },
      body: '',
      keepsOpen: false,
    });
  });

  test.each([
    ['204 No Content', '', '', true],
    ['204 No Content', 'content-length: 0\r\n', '', true],
    ['204 No Content', 'content-length: 3\r\n', '', false],
    ['204 No Content', '', 'abc', false],
    ['304 Not Modified', 'etag: "1"\r\n', '', true],
    ['304 Not Modified', 'content-length: 3\r\n', 'abc', false],
    ['304 Not Modified', 'transfer-encoding: chunked\r\n', '', false],
    ['200 OK', 'content-length: 0\r\n', 'abc', false],
  ])('%s with %j and %j behind it has no body, and keeps the connection: %s', (status, field, behind, keepsOpen) => {
    expect(read([`HTTP/1.1 ${status}\r\n${field}\r\n${behind}`])).toMatchObject({ body: '', keepsOpen });
  });

  test.each([
    ['a length', `${ok}content-length: 3\r\n\r\nabc`],
    ['chunks', `${ok}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`],
  ])('with %s and more behind it gives up the connection, and none of what follows', (_name, text) => {
    expect(read([`${text}${ok}content-length: 4\r\n\r\nevil`])).toMatchObject({ body: 'abc', keepsOpen: false });
  });

  test.each([
    ['no status line', 'lalala\r\n\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a protocol that nobody asked for', 'HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n'],
    ['two lengths', `${ok}content-length: 3\r\ncontent-length: 5\r\n\r\n`],
    ['two lengths in one line', `${ok}content-length: 3, 5\r\n\r\n`],
    ['a length that is no number', `${ok}content-length: +3\r\n\r\n`],
    ['an empty length', `${ok}content-length:\r\n\r\n`],
    ['a length beyond all numbers', `${ok}content-length: 1234567890123456\r\n\r\n`],
    ['another coding', `${ok}transfer-encoding: gzip, chunked\r\n\r\n`],
    ['chunked twice', `${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`],
    ['a coding that chunked is not the last of', `${ok}transfer-encoding: chunked, identity\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a space before the colon', `${ok}content-length : 3\r\n\r\n`],
    ['a field without a name', `${ok}: 3\r\n\r\n`],
    ['a line without a colon', `${ok}content-length\r\n\r\n`],
    ['a fold before the first field', `${ok} a: b\r\n\r\n`],
    ['a bare line feed', `${ok}a: b\ncontent-length: 3\r\n\r\n`],
    ['a bare carriage return', `${ok}a: b\rcontent-length: 3\r\n\r\n`],
    ['lines that end in a line feed alone', 'HTTP/1.1 200 OK\ncontent-length: 1\n\nx'],
    ['a head that ends in a line feed and an empty line', 'HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\nok'],
    ['a null', `${ok}a: b\0\r\n\r\n`],
    ['a head without an end', `${ok}a: ${'b'.repeat(1000)}`],
    ['a head that is too long', `${ok}a: ${'b'.repeat(1000)}\r\n\r\n`],
    ['interim responses without an end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(17)],
    ['a chunk without a size', `${ok}transfer-encoding: chunked\r\n\r\n\r\n`],
    ['a chunk whose size is no number', `${ok}transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n`],
    ['a chunk whose size is beyond all numbers', `${ok}transfer-encoding: chunked\r\n\r\n100000000f\r\nabc\r\n`],
    ['a chunk that is longer than it says', `${ok}transfer-encoding: chunked\r\n\r\n2\r\nabc\r\n`],
    ['a chunk whose line ends in a line feed alone', `${ok}transfer-encoding: chunked\r\n\r\n3\nabc\r\n`],
    ['extensions without an end', `${ok}transfer-encoding: chunked\r\n\r\n3;${'a'.repeat(5000)}`],
    ['trailers without an end', `${ok}transfer-encoding: chunked\r\n\r\n0\r\n${`a: ${'b'.repeat(1000)}\r\n`.repeat(70)}`],
  ])('that has %s is none', (_name, text) => {
    expect(() => read([text])).toThrow(Http1Error);
    expect(() => read([...text])).toThrow(Http1Error);
  });
});
