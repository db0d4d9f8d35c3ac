import { fork } from 'node:child_process';
import { once } from 'node:events';
import { tellRound } from './tell-round.ts';

interface Said {
  readonly port?: number;
  readonly held?: number;
  readonly from?: number;
}

export interface BareInit {
  readonly waiters: number;
  readonly rounds: number;
  /** Rounds before those that count. */
  readonly warmUp: number;
  readonly answerBytes: number;
}

/** What this machine takes to answer as many requests from a server that does nothing else, ms each, from the moment it begins. */
export async function bareTimes({ waiters, rounds, warmUp, answerBytes }: BareInit): Promise<number[]> {
  const server = fork(new URL('./bare.main.js', import.meta.url), [String(answerBytes)]);
  const [{ port = 0 }] = (await once(server, 'message')) as [Said];
  const load = fork(new URL('./waiters.main.js', import.meta.url), [String(port), String(waiters)]);
  await once(load, 'message');
  const times: number[] = [];
  for (let round = 0; round < warmUp + rounds; round++) {
    const from = new Promise<number>((resolve) => {
      const onSaid = ({ held, from: begun }: Said): void => {
        // The last of them has just come: the machine is given a moment to be quiet.
        if (held === waiters) setTimeout(() => server.send({}), 100);
        if (begun === undefined) return;
        server.off('message', onSaid);
        resolve(begun);
      };
      server.on('message', onSaid);
    });
    load.send({ path: '/' });
    const [{ at }] = (await once(load, 'message')) as [{ readonly at: readonly number[] }];
    const begun = await from;
    if (round < warmUp) continue;
    const after = at.map((one) => one - begun);
    times.push(...after);
    tellRound('bare server', after);
  }
  load.disconnect();
  server.disconnect();
  return times;
}
