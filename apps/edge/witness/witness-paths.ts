import { unloggedHead, type ByteSource, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import type { Witness, WitnessReply } from './witness.ts';

/** The submission and the monitoring prefix of C2SP tlog-witness. */
export const witnessPrefix = '/ledger/witness/v1/';
/** A checkpoint with all its signatures and a proof is a few kilobytes. */
const bodyBytesMax = 65_536;
const plain = 'text/plain; charset=utf-8';

function replyOf({ status, type, body }: WitnessReply): EdgeReply {
  const fields: Array<readonly [string, string]> = [
    ['content-type', type],
    ['cache-control', 'no-store'],
  ];
  return { head: unloggedHead(status, fields as never), body: new TextEncoder().encode(body) };
}

/** Undefined when it is longer than anything that a ledger sends. */
async function textOf(source: ByteSource | undefined): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let chunk = await source?.read(); chunk !== undefined; chunk = await source?.read()) {
    length += chunk.length;
    if (length > bodyBytesMax) {
      source?.cancel();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Answers what belongs to the witness; undefined for all other paths. */
export function witnessPaths(
  witness: Witness | undefined,
  onError: (error: unknown) => void,
): (request: EdgeRequest, target: string) => Promise<EdgeReply> | undefined {
  const answer = async (request: EdgeRequest, path: string): Promise<WitnessReply> => {
    if (witness === undefined) return { status: 503, type: plain, body: 'The witness of this edge is out of order.\n' };
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (path === 'add-checkpoint') {
      if (request.method !== 'POST') return { status: 405, type: plain, body: 'A checkpoint is handed in by POST.\n' };
      const body = await textOf(request.body());
      return body === undefined ? { status: 413, type: plain, body: `A request has ${bodyBytesMax} bytes at most.\n` } : witness.add(body);
    }
    if (path === 'key' && reads) return witness.key();
    const originHash = /^([0-9a-f]{64})\/checkpoint$/.exec(path)?.[1];
    if (originHash !== undefined && reads) return witness.checkpoint(originHash);
    return { status: 404, type: plain, body: 'The witness has no such path.\n' };
  };
  return (request, target) => {
    if (!target.startsWith(witnessPrefix)) return undefined;
    return answer(request, target.slice(witnessPrefix.length))
      .catch((error: unknown): WitnessReply => {
        onError(error);
        return { status: 500, type: plain, body: 'The witness failed.\n' };
      })
      .then(replyOf);
  };
}
