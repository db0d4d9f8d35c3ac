import { createHmac, timingSafeEqual } from 'node:crypto';

/** Header in which an edge proves to the gateway that the client's address is its word, and not the client's. */
export const edgeProofHeader = 'x-streams-edge';

/** What only a holder of `EDGE_SECRET` can say of an address. */
export function edgeProofOf(secret: string, address: string): string {
  return createHmac('sha256', secret).update(`edge:${address}`).digest('base64url');
}

/** By what edges sign messages of their own to gateways: whoever has seen a proof of an address cannot make one. */
export function edgeMessageKey(secret: string): Uint8Array {
  return createHmac('sha256', secret).update('edge messages').digest();
}

/** Compares in constant time. */
export function isEdgeProof(secret: string, address: string, proof: string): boolean {
  const [given, right] = [Buffer.from(proof), Buffer.from(edgeProofOf(secret, address))];
  return given.length === right.length && timingSafeEqual(given, right);
}
