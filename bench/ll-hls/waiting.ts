import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Platform } from '../../test/constellation/platform.ts';
import { followEdge } from './follow-edge.ts';
import { tellRound } from './tell-round.ts';

export interface WaitingInit {
  readonly streamId: string;
  readonly rendition: string;
  /** Where players ask: the gateway, or the edge. */
  readonly port: number;
  readonly waiters: number;
  readonly rounds: number;
  /** Rounds before those that count: a server that has just been started compiles its own code in them. */
  readonly warmUp: number;
}

interface Answered {
  readonly path: string;
  readonly sentAt: number;
  readonly at: readonly number[];
}

const roundsMsMax = 90_000;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** From the moment in which a part left its packager to the answer of everybody who waited for it, ms. */
export async function waitingTimes(platform: Platform, init: WaitingInit): Promise<number[]> {
  const { streamId, rendition, port, waiters, rounds, warmUp } = init;
  const child = fork(new URL('./waiters.main.js', import.meta.url), [String(port), String(waiters)]);
  await once(child, 'message');
  const left = new Map<string, number>();
  const times: number[] = [];
  const done = Promise.withResolvers<void>();
  let answered = 0;
  let busy = false;
  const unfollow = await followEdge(platform, streamId, (part) => {
    if (part.kind !== 'part' || part.rendition !== rendition) return;
    left.set(`${part.mediaSequence}.${part.index}`, now());
    // Whoever has an answer asks for what comes next; a round that is late leaves a part out.
    if (busy) return;
    busy = true;
    const next = part.last ? { mediaSequence: part.mediaSequence + 1, index: 0 } : { mediaSequence: part.mediaSequence, index: part.index + 1 };
    child.send({ path: `/live/${streamId}/${rendition}.m3u8?_HLS_msn=${next.mediaSequence}&_HLS_part=${next.index}&_HLS_skip=YES` });
  });
  child.on('message', ({ path, sentAt, at }: Answered) => {
    busy = false;
    const [, mediaSequence, index] = /_HLS_msn=(\d+)&_HLS_part=(\d+)/.exec(path) ?? [];
    const from = left.get(`${mediaSequence}.${index}`);
    // Of those who asked when it was there already nothing is learnt.
    if (from === undefined || sentAt >= from || ++answered <= warmUp) return;
    const after = at.map((one) => one - from);
    times.push(...after);
    tellRound(`port ${port}`, after);
    if (answered === warmUp + rounds) done.resolve();
  });
  const timer = setTimeout(() => done.reject(new Error(`only ${answered} of ${rounds} rounds of waiting in ${roundsMsMax} ms`)), roundsMsMax);
  await done.promise.finally(() => clearTimeout(timer));
  unfollow();
  child.disconnect();
  return times;
}
