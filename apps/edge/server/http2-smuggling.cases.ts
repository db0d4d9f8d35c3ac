type Pairs = ReadonlyArray<readonly [string, string]>;

/** A request of HTTP/2 that would be another one, or two, once it is written down in HTTP/1.1 (Kettle 2021, "HTTP/2: The Sequel is Always Worse"). */
export interface Http2SmugglingCase {
  readonly name: string;
  readonly fields: Pairs;
  /** The body that follows; none ends the request with its head. */
  readonly data?: string;
  /** True where nghttp2, which Node has, drops the field and takes the rest: it is gone before anybody reads it. */
  readonly droppedByNode?: boolean;
}

const method = [':method', 'GET'] as const;
const scheme = [':scheme', 'https'] as const;
const path = [':path', '/smuggled'] as const;
const authority = [':authority', 'a.test'] as const;
const good: Pairs = [method, scheme, path, authority];

const without = (name: string): Pairs => good.filter(([one]) => one !== name);
const other = (name: string, value: string): Pairs => good.map(([one, was]) => [one, one === name ? value : was] as const);

/** RFC 9113 section 8.2.2: fields of a connection of HTTP/1.1. */
const connection: Pairs = [
  ['connection', 'close'],
  ['connection', 'x'],
  ['keep-alive', '1'],
  ['proxy-connection', 'close'],
  ['transfer-encoding', 'chunked'],
  ['transfer-encoding', 'identity'],
  ['upgrade', 'h2c'],
  ['te', 'gzip'],
];

/** RFC 9113 section 8.2.1: what no field may contain. */
const malformed: Pairs = [
  ['x', 'a\r\nHost: b'],
  ['x', 'a\r\n\r\nGET /hidden HTTP/1.1\r\nHost: b'],
  ['x', 'a\nb'],
  ['x', 'a\rb'],
  ['x', 'a\0b'],
  ['x\r\ny', 'a'],
  ['x\ny', 'a'],
  ['x: y\r\nz', 'a'],
  ['x:', 'a'],
  ['x y', 'a'],
  ['x\0', 'a'],
  ['', 'a'],
  ['X-Upper', 'a'],
  ['x\x80', 'a'],
];

const pseudo: ReadonlyArray<readonly [string, Pairs]> = [
  ['a second :path', [...good, [':path', '/other']]],
  ['a second :method', [...good, [':method', 'POST']]],
  ['a second :authority', [...good, [':authority', 'b.test']]],
  ['one that is none', [...good, [':x', 'y']]],
  ['of a response', [...good, [':status', '200']]],
  ['after a field', [method, scheme, path, ['x', 'y'], authority]],
  ['no :method', without(':method')],
  ['no :scheme', without(':scheme')],
  ['no :path', without(':path')],
  ['no host at all', without(':authority')],
  [':protocol', [...good, [':protocol', 'websocket']]],
];

const values: Pairs = [
  [':method', 'GET /hidden HTTP/1.1\r\nX:'],
  [':method', 'G(T'],
  [':method', ''],
  [':path', '/smuggled HTTP/1.1\r\nHost: b\r\nX: y'],
  [':path', '/smuggled HTTP/1.1'],
  [':path', '/smuggled\r'],
  [':path', '/smuggled\n'],
  [':path', '/smuggled#y'],
  [':path', 'smuggled'],
  [':path', 'http://b.test/smuggled'],
  [':path', '*'],
  [':path', ''],
  [':authority', 'a.test\r\nX: y'],
  [':authority', 'a/b'],
  [':authority', 'u@a.test'],
  [':authority', 'a b'],
  [':authority', 'a.test,b.test'],
  [':authority', 'a:99999'],
];

const badBody: Readonly<Record<string, string>> = { ':method': 'POST', ':path': '/badly-framed' };

export const http2SmugglingCases: readonly Http2SmugglingCase[] = [
  ...connection.map(([name, value]) => ({ name: `${name}: ${value}`, fields: [...good, [name, value] as const] })),
  ...malformed.map(([name, value]) => ({
    name: `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
    fields: [...good, [name, value] as const],
    droppedByNode: name !== 'X-Upper',
  })),
  ...pseudo.map(([what, fields]) => ({ name: `a pseudo-header: ${what}`, fields })),
  ...values.map(([name, value]) => ({ name: `${name} ${JSON.stringify(value)}`, fields: other(name, value) })),
  { name: 'Host that is not the authority', fields: [...good, ['host', 'b.test']] },
  { name: 'two Hosts', fields: [...without(':authority'), ['host', 'a.test'], ['host', 'b.test']] },
  { name: 'a length without a body', fields: [...good, ['content-length', '3']] },
];

/** Bodies that turn out to be badly framed when they are read: the head is good, and may have gone on. */
export const badHttp2Bodies: readonly Http2SmugglingCase[] = [
  { name: 'a length that is less', fields: [...good, ['content-length', '3']], data: 'abcdef' },
  { name: 'a length that is more', fields: [...good, ['content-length', '9']], data: 'abcdef' },
  { name: 'two lengths', fields: [...good, ['content-length', '6'], ['content-length', '3']], data: 'abcdef' },
  { name: 'a length that is none', fields: [...good, ['content-length', '6x']], data: 'abcdef' },
].map(({ name, fields, data }) => ({
  name,
  data,
  fields: fields.map(([key, value]) => [key as string, badBody[key as string] ?? (value as string)] as const),
}));
