import { isIP } from 'node:net';

/** IPv4 within IPv6 (RFC 4291 section 2.5.5.2) as what it is. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  return mapped ?? address.replace(/%.*$/, '');
}

/** Bits of an address by which networks are told apart. */
export const networkBits = { 4: 24, 6: 48 } as const;

/** The groups of an IPv6 address, the left-out ones included. */
function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const [before, after] = [head.split(':').filter(Boolean), (tail ?? '').split(':').filter(Boolean)];
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array.from({ length: missing }, () => '0'), ...after];
}

/** The network that an address is of: a /24, or a /48. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) === 4) return plain.slice(0, plain.lastIndexOf('.'));
  return groupsOf(plain)
    .slice(0, 3)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
