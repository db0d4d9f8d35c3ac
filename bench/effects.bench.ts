import { killEffects } from '../test/effects/kill-effects.ts';
import type { Bench } from './harness/index.ts';

export const bench: Bench = {
  name: 'effects',
  summary: 'kill -9 of reactors, workers and the database while webhooks are delivered: what a receiver that remembers keys sees lost or doubled',
  async run(context) {
    const kills = context.quick ? 40 : 500;
    const onKill = (victim: string, count: number): void => void (count % 20 === 0 && process.stderr.write(`${count} kills, the last of the ${victim}\n`));
    const run = await killEffects({ kills, victims: ['reactor', 'reactor', 'worker', 'worker', 'worker'], pauseMs: 500, onKill });
    context.row('events', 'kills of reactors', 'of workers', 'of the database', 'delivered', 'repeated under their key');
    context.row(run.events, run.kills.reactor, run.kills.worker, run.kills.database, run.events - run.lost.length, run.repeated);
    for (const id of [...run.lost, ...run.doubled].slice(0, 20)) process.stderr.write(`lost or doubled: ${id}\n`);
    const killed = Object.values(run.kills).reduce((sum, count) => sum + count, 0);
    context.bar('effects.kills', killed, 'kills', '>= 500', killed >= 500 || context.quick);
    context.bar('effects.lost', run.lost.length, 'effects', 0, run.lost.length === 0);
    context.bar('effects.doubled', run.doubled.length, 'effects', 0, run.doubled.length === 0);
    context.bar('effects.unsettled', run.unsettled, 'effects', 0, run.unsettled === 0);
  },
};
