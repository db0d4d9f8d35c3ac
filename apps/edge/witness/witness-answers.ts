import type { Witness, WitnessReply } from './witness.ts';

/** What a witness is asked, its path behind the prefix. */
export interface WitnessAsk {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export type WitnessAnswers = (ask: WitnessAsk) => Promise<WitnessReply>;

export function plainReply(status: number, body: string): WitnessReply {
  return { status, type: 'text/plain; charset=utf-8', body };
}

/** Answers for a witness that this process has; undefined while its files are damaged. */
export function answersOf(witness: Witness | undefined): WitnessAnswers {
  return async ({ body, method, path }) => {
    if (witness === undefined) return plainReply(503, 'The witness of this edge is out of order.\n');
    const reads = method === 'GET' || method === 'HEAD';
    if (path === 'add-checkpoint') return method === 'POST' ? witness.add(body) : plainReply(405, 'A checkpoint is handed in by POST.\n');
    if (path === 'key' && reads) return witness.key();
    const originHash = /^([0-9a-f]{64})\/checkpoint$/.exec(path)?.[1];
    if (originHash !== undefined && reads) return witness.checkpoint(originHash);
    return plainReply(404, 'The witness has no such path.\n');
  };
}
