import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchContext } from './harness/index.ts';
import { measureThroughput, type Measured } from './log/throughput.ts';
import { measureVisibility } from './log/visibility.ts';

const goals = { batch: 100_000, single: 4_000, replay: 400_000, peerShare: 0.6, visibleMs: 10 } as const;

function rate(context: BenchContext, id: string, { log, bare }: Measured, goal: number): void {
  context.row(id, log, bare, log / bare);
  context.bar(id, log, '1/s', `>= ${goal}`, log >= goal, bare);
  context.bar(`${id}.share`, log / bare, 'x bare node:sqlite', `>= ${goals.peerShare}`, log / bare >= goals.peerShare, 1);
}

export const bench: Bench = {
  name: 'log',
  summary: 'the embedded event log beside bare node:sqlite with the same records, and its visibility across processes',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-log-'));
    try {
      const { batch, single, replay } = await measureThroughput(folder, context.quick);
      context.row('per second', 'event log', 'bare node:sqlite', 'share');
      rate(context, 'log.append.batch', batch, goals.batch);
      rate(context, 'log.append.single', single, goals.single);
      rate(context, 'log.replay', replay, goals.replay);
      const visible = await measureVisibility(join(folder, 'visible.sqlite'), context.quick ? 1_000 : 5_000);
      context.row('visible in another process, ms', `p50 ${visible.p50.toFixed(1)}`, `p99 ${visible.p99.toFixed(1)}`, `max ${visible.max.toFixed(1)}`);
      context.bar('log.visible.p99', visible.p99, 'ms', `<= ${goals.visibleMs}`, visible.p99 <= goals.visibleMs);
      context.bar('log.waiting.cpu', visible.idleCpuShare * 100, '% of a core', '< 1', visible.idleCpuShare < 0.01);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
