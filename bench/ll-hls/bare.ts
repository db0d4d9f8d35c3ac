import { fork } from 'node:child_process';
import { once } from 'node:events';

interface Said {
  readonly port?: number;
  readonly held?: number;
  readonly from?: number;
}

/** What this machine takes to answer as many requests from a server that does nothing else, ms each, from the moment it begins. */
export async function bareTimes(waiters: number, rounds: number, answerBytes: number): Promise<number[]> {
  const server = fork(new URL('./bare.main.js', import.meta.url), [String(answerBytes)]);
  const [{ port = 0 }] = (await once(server, 'message')) as [Said];
  const load = fork(new URL('./waiters.main.js', import.meta.url), [String(port), String(waiters)]);
  await once(load, 'message');
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
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
    times.push(...at.map((one) => one - begun));
  }
  load.disconnect();
  server.disconnect();
  return times;
}
