import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchContext } from './harness/index.ts';
import { BareLog, measureBare } from './log/bare-log.ts';
import { measureAppends, measureReplay } from './log/throughput.ts';
import { measureVisibility } from './log/visibility.ts';

const goals = { batch: 100_000, single: 4_000, replay: 400_000, peerShare: 0.6, visibleMs: 10 } as const;

function rate(context: BenchContext, id: string, value: number, goal: number, peer: number): void {
  context.row(id, value, peer, value / peer);
  context.bar(id, value, '1/s', `>= ${goal}`, value >= goal, peer);
  context.bar(`${id}.share`, value / peer, 'x bare node:sqlite', `>= ${goals.peerShare}`, value / peer >= goals.peerShare, 1);
}

export const bench: Bench = {
  name: 'log',
  summary: 'the embedded event log beside bare node:sqlite with the same records, and its visibility across processes',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-log-'));
    try {
      const batched = context.quick ? 100_000 : 300_000;
      const single = context.quick ? 4_000 : 20_000;
      const bare = measureBare(new BareLog(join(folder, 'bare.sqlite')), batched, single);
      const log = await measureAppends(join(folder, 'log.sqlite'), batched, single);
      const replay = await measureReplay(join(folder, 'log.sqlite'));
      context.row('per second', 'event log', 'bare node:sqlite', 'share');
      rate(context, 'log.append.batch', log.batch, goals.batch, bare.batch);
      rate(context, 'log.append.single', log.single, goals.single, bare.single);
      rate(context, 'log.replay', replay, goals.replay, bare.replay);
      const visible = await measureVisibility(join(folder, 'visible.sqlite'), context.quick ? 1_000 : 5_000);
      context.row('visible in another process, ms', `p50 ${visible.p50.toFixed(1)}`, `p99 ${visible.p99.toFixed(1)}`, `max ${visible.max.toFixed(1)}`);
      context.bar('log.visible.p99', visible.p99, 'ms', `<= ${goals.visibleMs}`, visible.p99 <= goals.visibleMs);
      context.bar('log.waiting.cpu', visible.idleCpuShare * 100, '% of a core', '< 1', visible.idleCpuShare < 0.01);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
