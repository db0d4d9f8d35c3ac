import { expect, test } from '@jest/globals';
import { WaitingTogether, type LivePlaylist } from './waiting-together.ts';

const playlist = { kind: 'playlist', text: '#EXTM3U', ended: false } as LivePlaylist;

test('one asks for all who want the same, and all are answered before anybody goes on', async () => {
  const together = new WaitingTogether();
  const { promise, resolve } = Promise.withResolvers<LivePlaylist>();
  const steps: string[] = [];
  let asked = 0;
  const join = (who: string, key: string): Promise<void> =>
    together
      .join(
        key,
        () => {
          asked += 1;
          return promise;
        },
        (answer) => steps.push(`${who} has ${answer?.kind}`),
      )
      .then(() => void steps.push(`${who} goes on`));
  const all = [join('a', '/1'), join('b', '/1'), join('c', '/2')];
  expect([asked, together.size]).toEqual([2, 3]);
  resolve(playlist);
  await Promise.all(all);
  expect(steps.slice(0, 3)).toEqual(['a has playlist', 'b has playlist', 'c has playlist']);
  expect(together.size).toBe(0);
  // What was waited for is over: the next one asks anew.
  await join('d', '/1');
  expect(asked).toBe(3);
});

test('a failure is everybody’s, and more than may wait are turned away', async () => {
  const together = new WaitingTogether(2);
  const { promise, reject } = Promise.withResolvers<LivePlaylist>();
  const answered: unknown[] = [];
  const join = (): Promise<LivePlaylist | undefined> =>
    together.join(
      '/1',
      () => promise,
      (answer) => answered.push(answer),
    );
  const waiting = Promise.allSettled([join(), join()]);
  expect(await join()).toEqual({ kind: 'full' });
  reject(new Error('no rows'));
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect([answered, together.size]).toEqual([[], 0]);
});

test('a stream without a live edge is none of its business', async () => {
  const together = new WaitingTogether();
  expect(
    await together.join(
      '/1',
      () => undefined,
      () => undefined,
    ),
  ).toBeUndefined();
});
