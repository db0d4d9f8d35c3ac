import { describe, expect, test } from '@jest/globals';
import { addressList } from './proxy-front.ts';
import { readProxyHeader } from './proxy-protocol.codec.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const signature = '\r\n\r\n\0\r\nQUIT\n';
const v4 = '\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb';
const v6 = `\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01${'\0'.repeat(16)}\x00\x50\x01\xbb`;

describe('the PROXY protocol', () => {
  test.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nrest', '192.0.2.1', 45],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n', '2001:db8::1', 44],
    ['PROXY UNKNOWN\r\n', undefined, 15],
    ['PROXY UNKNOWN whatever it says\r\n', undefined, 32],
    [`${signature}\x21\x11\x00\x0c${v4}GET`, '1.2.3.4', 28],
    [`${signature}\x21\x11\x00\x0f${v4}\x04\x00\x00`, '1.2.3.4', 31],
    [`${signature}\x21\x21\x00\x24${v6}`, '2001:db8:0:0:0:0:0:1', 52],
    [`${signature}\x20\x00\x00\x00`, undefined, 16],
    [`${signature}\x21\x00\x00\x00`, undefined, 16],
    [`${signature}\x21\x12\x00\x0c${v4}`, undefined, 28],
  ])('%j says %s', (text, client, length) => {
    expect(readProxyHeader(bytesOf(text))).toEqual({ kind: 'header', length, client });
    for (let end = 0; end < length; end++) expect(readProxyHeader(bytesOf(text.slice(0, end)))).toEqual({ kind: 'more' });
  });

  test.each([
    'GET / HTTP/1.1\r\n',
    'proxy TCP4',
    'PROXY\tTCP4',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n',
    'PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n',
    'PROXY TCP4 192.0.02.1 198.51.100.1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 more\r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    `PROXY TCP4 ${'1'.repeat(120)}`,
    `${signature}\x11\x11\x00\x0c${v4}`,
    `${signature}\x22\x11\x00\x0c${v4}`,
    `${signature}\x21\x11\x00\x04\x01\x02\x03\x04`,
    `${signature}\x21\x21\x00\x0c${v4}`,
    `${signature}\x21\x11\xff\xff${v4}`,
  ])('%j is refused', (text) => {
    expect(readProxyHeader(bytesOf(text)).kind).toBe('invalid');
  });
});

test('balancers are named by address or network', () => {
  const list = addressList(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32']);
  const has = (address: string): boolean => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  expect(['192.0.2.1', '192.0.2.2', '10.9.8.7', '11.0.0.1', '2001:db8::7', '2001:db9::7'].map(has)).toEqual([true, false, true, false, true, false]);
  for (const wrong of ['localhost', '10.0.0.0/33', '10.0.0.0/', '::1/129', '']) expect(() => addressList([wrong])).toThrow('neither an address nor a network');
});
