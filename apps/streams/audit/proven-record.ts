import { nodeLedgerHash } from '#adapters/ledger';
import { decodeBundle, fromBase64, leafHash, parseRecordBytes, sameHash, tileWidth, type LedgerRecord } from '#core/ledger';
import type { ApiClient } from '../client/api-client.ts';

/** Which leaf of which tree. */
export interface LeafOfRecord {
  readonly topic: string;
  readonly partition: number;
  readonly index: number;
  /** Base64. */
  readonly leafHash: string;
}

export interface ProvenRecord extends LedgerRecord {
  /** What the leaf is the hash of, without the byte in front. */
  readonly bytes: Uint8Array;
}

const timeoutMs = 60_000;

/**
 * The record of a leaf, byte for byte: its hash is worked out here, and is the leaf's.
 * @returns undefined where the platform does not have it any more; a text where what it gives is another record
 */
export async function recordOfLeaf(api: ApiClient, leaf: LeafOfRecord): Promise<ProvenRecord | string | undefined> {
  const path = `/api/v1/ledger/${leaf.topic}/${leaf.partition}/records/${Math.floor(leaf.index / tileWidth)}`;
  const response = await api.open('GET', path, { signal: AbortSignal.timeout(timeoutMs) });
  const first = Number(response.headers.get('x-first-leaf') ?? -1);
  const records = [...decodeBundle(new Uint8Array(await response.arrayBuffer()))];
  const found = first < 0 ? undefined : records[leaf.index - first];
  if (found === undefined) return undefined;
  const bytes = found.leafInput.subarray(1);
  const claimed = fromBase64(leaf.leafHash) ?? new Uint8Array(0);
  if (found.leafInput[0] !== 0 || !sameHash(leafHash(bytes, nodeLedgerHash), claimed)) return 'the bytes that the platform gives do not have that hash';
  return { ...parseRecordBytes(bytes), bytes };
}
