import { BlockList, isIP, type IPVersion } from 'node:net';

/** IANA's special-purpose registries (RFC 6890 and what followed): what does not lead to a host of the public internet. */
const blocks: ReadonlyArray<readonly [net: string, prefix: number, family: IPVersion]> = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'], // carrier-grade NAT
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'], // link-local, and the metadata services of clouds
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['::', 96, 'ipv6'], // unspecified, loopback, IPv4-compatible
  ['::ffff:0:0:0', 96, 'ipv6'], // IPv4-translated
  ['64:ff9b::', 96, 'ipv6'], // NAT64: leads to any IPv4 address
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'], // 6to4: leads to any IPv4 address
  ['3fff::', 20, 'ipv6'],
  ['5f00::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const special = new BlockList();
for (const [net, prefix, family] of blocks) special.addSubnet(net, prefix, family);

/** `::ffff:a.b.c.d` in its two spellings: it is the IPv4 address. */
const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i;

function unmapped(address: string): string {
  const match = mapped.exec(address);
  if (match === null) return address;
  if (match[1] !== undefined) return match[1];
  const [high, low] = [parseInt(match[2] ?? '', 16), parseInt(match[3] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** True for an address that may be anybody's on the internet; false for loopback, private and all other special ones. */
export function isPublicAddress(address: string): boolean {
  const plain = unmapped(address.split('%')[0] ?? '');
  const version = isIP(plain);
  return version !== 0 && !special.check(plain, version === 6 ? 'ipv6' : 'ipv4');
}

/** The address that a URL's host is by itself; undefined for a name. The URL parser has brought odd spellings into order. */
export function literalAddressOf({ hostname }: URL): string | undefined {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(host) === 0 ? undefined : host;
}
