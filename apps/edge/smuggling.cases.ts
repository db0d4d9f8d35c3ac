import type { EdgeRuntime } from './edge.fixture.ts';

/** One request that two parsers could read differently, as it goes over the wire. */
export interface SmugglingCase {
  readonly name: string;
  readonly bytes: string;
  /** Runtimes whose parser neither refuses this nor shows it, and why it does no harm. */
  readonly unseenBy?: { readonly runtime: EdgeRuntime; readonly because: string };
}

const target = '/smuggled';
const host = 'Host: a\r\n';
const get = `GET ${target} HTTP/1.1\r\n`;
const post = `POST ${target} HTTP/1.1\r\n${host}`;
const chunked = 'Transfer-Encoding: chunked\r\n';
const last = '0\r\n\r\n';

const named = (name: string, cases: readonly (readonly [string, string])[]): SmugglingCase[] =>
  cases.map(([what, bytes]) => ({ name: `${name}: ${what}`, bytes }));

/** Every value of a field that announces a body. */
const lengths = [
  '+3',
  '-3',
  '0x3',
  '3x',
  '3 3',
  '',
  '3.0',
  '3e0',
  '99999999999999999999',
  '\x0b3',
  '3\0',
  '\xb3',
  '0_3',
  ',3',
  '3,',
  '"3"',
  '3;a',
  '3, 3',
  '3, 4',
];
const codings = [
  ...['xchunked', 'chunkedx', 'chunked, identity', 'identity, chunked', 'identity', 'gzip, chunked', 'gzip', 'deflate, chunked', 'chunked, chunked', 'cow'],
  ...['\x0bchunked', 'chunked\x0c', '"chunked"', 'chunked;q=1', ',chunked', 'chunked,', 'chunked\0', '', 'chunked chunked', '\x85chunked'],
];
const hosts = ['a, b', 'a/b', 'u@a', 'a?b', 'a#b', 'a b', 'a:x', 'a:99999', 'a\\b', '', 'a\x80', 'a:80:80', '[::1', 'a,'];

const framings = named('two framings', [
  ['length, then chunks', `${post}Content-Length: 3\r\n${chunked}\r\n${last}`],
  ['chunks, then length', `${post}${chunked}Content-Length: 3\r\n\r\n${last}`],
  ['on a GET', `${get}${host}Content-Length: 3\r\n${chunked}\r\n${last}`],
  ['two lengths', `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  ['one length twice', `${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  ['chunked twice', `${post}${chunked}${chunked}\r\n${last}`],
  ['chunked and identity', `${post}${chunked}Transfer-Encoding: identity\r\n\r\n${last}`],
  ['identity and chunked', `${post}Transfer-Encoding: identity\r\n${chunked}\r\n${last}`],
  ['cow and chunked', `${post}Transfer-Encoding: cow\r\n${chunked}\r\n${last}`],
  ['chunks in HTTP/1.0', `POST ${target} HTTP/1.0\r\n${host}${chunked}\r\n${last}`],
]);

const spellings = named('a spelling of Transfer-Encoding', [
  ['space before the colon', `${post}Transfer-Encoding : chunked\r\n\r\n${last}`],
  ['tab before the colon', `${post}Transfer-Encoding\t: chunked\r\n\r\n${last}`],
  ['nul in the name', `${post}Transfer-Encoding\0: chunked\r\n\r\n${last}`],
  ['space before the name', `${post} Transfer-Encoding: chunked\r\n\r\n${last}`],
  ['a byte beyond ASCII in the name', `${post}Transfer-Encoding\x80: chunked\r\n\r\n${last}`],
  ['folded', `${post}Transfer-Encoding:\r\n chunked\r\n\r\n${last}`],
  ['behind a bare CR', `${post}X: a\rTransfer-Encoding: chunked\r\n\r\n${last}`],
  ['behind a bare LF', `${post}X: a\nTransfer-Encoding: chunked\r\n\r\n${last}`],
]);

const fields = named('a field', [
  ['folded', `${get}${host}X: 1\r\n folded\r\n\r\n`],
  ['folded by a tab', `${get}${host}X: 1\r\n\tfolded\r\n\r\n`],
  ['space before the colon', `${get}Host : a\r\n\r\n`],
  ['space before the first', `${get} Host: a\r\n\r\n`],
  ['no colon', `${get}${host}foo\r\n\r\n`],
  ['no name', `${get}${host}: x\r\n\r\n`],
  ['( in the name', `${get}${host}X(: x\r\n\r\n`],
  ['space in the name', `${get}${host}X y: x\r\n\r\n`],
  ['@ in the name', `${get}${host}X@: x\r\n\r\n`],
  ['control in the name', `${get}${host}X\x01: x\r\n\r\n`],
  ['nul in the value', `${get}${host}X: a\0b\r\n\r\n`],
  ['control in the value', `${get}${host}X: a\x01b\r\n\r\n`],
  ['CR in the value', `${get}${host}X: a\rb\r\n\r\n`],
]);

const lines = named('an end of line', [
  ['LF alone', `GET ${target} HTTP/1.1\nHost: a\n\n`],
  ['LF after the request line', `GET ${target} HTTP/1.1\nHost: a\r\n\r\n`],
  ['LF after a field', `${get}Host: a\nX: y\r\n\r\n`],
  ['LF as the empty line', `${get}${host}\n`],
  ['CR alone', `${get}Host: a\r\r`],
  ['CR CR LF', `${get}Host: a\r\r\n\r\n`],
]);

const requestLines = named('a request line', [
  ['tab', `GET\t${target} HTTP/1.1\r\n${host}\r\n`],
  ['space before', ` GET ${target} HTTP/1.1\r\n${host}\r\n`],
  ['space in the target', `GET ${target} y HTTP/1.1\r\n${host}\r\n`],
  ['HTTP/1.2', `GET ${target} HTTP/1.2\r\n${host}\r\n`],
  ['HTTP/2.0', `GET ${target} HTTP/2.0\r\n${host}\r\n`],
  ['HTTP/0.9', `GET ${target}\r\n\r\n`],
  ['http in lower case', `GET ${target} http/1.1\r\n${host}\r\n`],
  ['HTTP/1.1x', `GET ${target} HTTP/1.1x\r\n${host}\r\n`],
  ['HTTP/1.', `GET ${target} HTTP/1.\r\n${host}\r\n`],
  ['HTTP/01.1', `GET ${target} HTTP/01.1\r\n${host}\r\n`],
  ['( in the method', `G(T ${target} HTTP/1.1\r\n${host}\r\n`],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['control in the target', `GET ${target}\x01 HTTP/1.1\r\n${host}\r\n`],
  ['nul in the target', `GET ${target}\0 HTTP/1.1\r\n${host}\r\n`],
  ['a fragment', `GET ${target}#y HTTP/1.1\r\n${host}\r\n`],
  ['no slash', `GET smuggled HTTP/1.1\r\n${host}\r\n`],
  ['an asterisk', `GET * HTTP/1.1\r\n${host}\r\n`],
  ['an authority', `GET a:80 HTTP/1.1\r\n${host}\r\n`],
  ['another scheme', `GET ftp://a${target} HTTP/1.1\r\n${host}\r\n`],
]);

/** Bodies that turn out to be badly framed when they are read: the head is good, and may have gone on. */
export const badBodies: readonly SmugglingCase[] = named('a chunk', [
  ['+', '+3\r\nabc\r\n0\r\n\r\n'],
  ['-', '-3\r\nabc\r\n0\r\n\r\n'],
  ['0x', '0x3\r\nabc\r\n0\r\n\r\n'],
  ['space before', ' 3\r\nabc\r\n0\r\n\r\n'],
  ['space after', '3 \r\nabc\r\n0\r\n\r\n'],
  ['tab after', '3\t\r\nabc\r\n0\r\n\r\n'],
  ['LF after the size', '3\nabc\r\n0\r\n\r\n'],
  ['CR after the size', '3\rabc\r\n0\r\n\r\n'],
  ['LF after the data', '3\r\nabc\n0\r\n\r\n'],
  ['nothing after the data', '3\r\nabcX\r\n0\r\n\r\n'],
  ['more data than said', '3\r\nabcdef\r\n0\r\n\r\n'],
  ['no size', '\r\nabc\r\n0\r\n\r\n'],
  ['a size of 68 bits', 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
  ['a size that wraps at 64 bits', '10000000000000003\r\nabc\r\n0\r\n\r\n'],
  ['no hexadecimal', 'g\r\nabc\r\n0\r\n\r\n'],
  ['LF in an extension', '3;a\nb\r\nabc\r\n0\r\n\r\n'],
  ['CR in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n'],
  ['nul in an extension', '3;a\0b\r\nabc\r\n0\r\n\r\n'],
  ['an extension without end', `3;${'a'.repeat(100_000)}\r\nabc\r\n0\r\n\r\n`],
]).map(({ name, bytes }) => ({ name, bytes: `POST /badly-framed HTTP/1.1\r\n${host}${chunked}\r\n${bytes}` }));

const absolute: readonly SmugglingCase[] = [`GET http://b${target} HTTP/1.1`, `GET http://u@a${target} HTTP/1.1`].map((line) => ({
  name: `an absolute form that is not Host's: ${line}`,
  bytes: `${line}\r\n${host}\r\n`,
  unseenBy: { runtime: 'bun', because: 'Bun takes the authority off; no key and no fill has a host in it' },
}));

/** RFC 9112 section 3 lets a recipient parse the request line by words; what is sent on has one space. */
const words: readonly SmugglingCase[] = [`GET  ${target} HTTP/1.1`, `GET ${target}  HTTP/1.1`].map((line) => ({
  name: `two spaces: ${line}`,
  bytes: `${line}\r\n${host}\r\n`,
  unseenBy: { runtime: 'node', because: 'RFC 9112 section 3 allows it, and the line is written anew' },
}));

/** Requests of which none may be answered as good, nor reach the origin. */
export const smugglingCases: readonly SmugglingCase[] = [
  ...framings,
  ...lengths.map((value) => ({ name: `Content-Length ${JSON.stringify(value)}`, bytes: `${post}Content-Length: ${value}\r\n\r\nabc` })),
  ...codings.map((value) => ({ name: `Transfer-Encoding ${JSON.stringify(value)}`, bytes: `${post}Transfer-Encoding: ${value}\r\n\r\n${last}` })),
  ...spellings,
  ...hosts.map((value) => ({ name: `Host ${JSON.stringify(value)}`, bytes: `${get}Host: ${value}\r\n\r\n` })),
  ...named('Host', [
    ['none', `${get}\r\n`],
    ['two', `${get}Host: a\r\nHost: b\r\n\r\n`],
    ['the same twice', `${get}Host: a\r\nHost: a\r\n\r\n`],
  ]),
  ...fields,
  ...lines,
  ...requestLines,
  ...absolute,
  ...words,
];

/** The tail of a body that a parser might take for a request of its own; the head before it is good. */
export const smuggledTails: readonly (readonly [string, string])[] = [
  ['a trailer field that frames', `${post}${chunked}\r\n0\r\nContent-Length: 5\r\n\r\n`],
  ['a trailer field that codes', `${post}${chunked}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['a trailer field that routes', `${post}${chunked}\r\n0\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n`],
  ['a trailer that is folded', `${post}${chunked}\r\n0\r\nX: a\r\n b\r\n\r\n`],
  ['a trailer that is none', `${post}${chunked}\r\n0\r\nX y\r\n\r\n`],
  ['an end by LF', `${post}${chunked}\r\n3\r\nabc\r\n0\r\n\n`],
];
