/** Names of those whom personal fields tell of: `<kind>:<id>`. */

/** An IPv4 address as IPv6 sockets show it. */
const mapped = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/** The subject of a network address without a port; nobody for an empty one. */
export function addressSubject(address: string): string | undefined {
  return address === '' ? undefined : `address:${address.replace(mapped, '').toLowerCase()}`;
}

/** The subject of `<address>:<port>`. */
export function peerSubject(peer: string): string | undefined {
  return addressSubject(peer.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1'));
}

/** The subject of a viewer whom a publisher names. */
export function viewerSubject(viewer: string | undefined): string | undefined {
  return viewer === undefined ? undefined : `viewer:${viewer}`;
}
