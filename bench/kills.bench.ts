import { judge } from '../test/constellation/run-oracle.ts';
import { killRun, victims, type Kill } from '../test/constellation/kill-run.ts';
import { Platform } from '../test/constellation/platform.ts';
import type { Bench } from './harness/index.ts';

export const bench: Bench = {
  name: 'kills',
  summary: 'kill -9 of every process in turn during a live stream: what is lost, doubled, out of order; how long the player stands still',
  async run(context) {
    const platform = await Platform.start();
    try {
      const onKill = (kill: Kill, count: number): void =>
        void process.stderr.write(`${count} ${kill.part}: still ${kill.stillMs} ms, fresh after ${kill.freshMs} ms\n`);
      const run = await killRun({ platform, kills: context.quick ? victims.length : 105, width: 640, height: 360, onKill });
      const verdict = await judge(platform, run);
      context.row('killed', 'times', 'longest still, ms', 'fresh after, ms (max)');
      for (const part of victims) {
        const kills = run.kills.filter((kill) => kill.part === part);
        context.row(part, kills.length, Math.max(...kills.map((kill) => kill.stillMs)), Math.max(...kills.map((kill) => kill.freshMs)));
      }
      for (const what of ['lost', 'doubled', 'brokenSequences', 'readModelErrors'] as const) {
        for (const one of verdict[what].slice(0, 20)) process.stderr.write(`${what}: ${one}\n`);
      }
      context.row('acknowledged commands', run.acknowledged.length, 'refused', run.refused);
      context.row('segments', verdict.segments, 'publisher reconnects', run.reconnects);
      const wrong = {
        lost: verdict.lost.length,
        doubled: verdict.doubled.length,
        back: run.stepsBack.length + verdict.brokenSequences.length,
        model: verdict.readModelErrors.length,
      };
      const longest = Math.max(...run.kills.map((kill) => kill.stillMs)) / 1000;
      context.bar('kills.count', run.kills.length, 'kills', '>= 100', run.kills.length >= 100 || context.quick);
      context.bar('kills.lost', wrong.lost, 'events', 0, wrong.lost === 0);
      context.bar('kills.doubled', wrong.doubled, 'events', 0, wrong.doubled === 0);
      context.bar('kills.sequence-errors', wrong.back, 'errors', 0, wrong.back === 0);
      context.bar('kills.read-model-errors', wrong.model, 'errors', 0, wrong.model === 0);
      context.bar('kills.page-reloads', run.pageLoads, 'loads', 0, run.pageLoads === 0);
      context.bar('kills.player-still.max', longest, 's', '<= 10', longest <= 10);
    } finally {
      await platform.stop();
    }
  },
};
