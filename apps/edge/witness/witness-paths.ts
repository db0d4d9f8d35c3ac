import { unloggedHead, type ByteSource, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { plainReply, type WitnessAnswers } from './witness-answers.ts';
import type { WitnessReply } from './witness.ts';

/** The submission and the monitoring prefix of C2SP tlog-witness. */
export const witnessPrefix = '/ledger/witness/v1/';
/** A checkpoint with all its signatures and a proof is a few kilobytes. */
const bodyBytesMax = 65_536;

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
  answers: WitnessAnswers,
  onError: (error: unknown) => void,
): (request: EdgeRequest, target: string) => Promise<EdgeReply> | undefined {
  const answer = async (request: EdgeRequest, path: string): Promise<WitnessReply> => {
    const { method } = request;
    const body = method === 'POST' ? await textOf(request.body()) : '';
    return body === undefined ? plainReply(413, `A request has ${bodyBytesMax} bytes at most.\n`) : answers({ method, path, body });
  };
  return (request, target) => {
    if (!target.startsWith(witnessPrefix)) return undefined;
    return answer(request, target.slice(witnessPrefix.length))
      .catch((error: unknown): WitnessReply => {
        onError(error);
        return plainReply(500, 'The witness failed.\n');
      })
      .then(replyOf);
  };
}
