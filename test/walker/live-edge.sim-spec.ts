import { expect, test } from '@jest/globals';
import { SimulatedLiveEdge } from './simulated-live-edge.fixture.ts';

const wanted = process.env['SIM_SEED'];
const seeds = wanted === undefined ? Array.from({ length: 24 }, (_, at) => at + 1) : [Number(wanted)];
const done: SimulatedLiveEdge[] = [];

test.each(seeds)('no rule is broken, whatever dies and whatever is late (seed %i)', async (seed) => {
  const run = await new SimulatedLiveEdge({ seed, steps: 6000 }).run();
  expect([...run.findings.violations]).toEqual([]);
  done.push(run);
});

if (wanted === undefined)
  test('that was with every kind of death, and much to judge', () => {
    const sum = (of: (run: SimulatedLiveEdge) => number): number => done.reduce((all, run) => all + of(run), 0);
    const counts = {
      ...{ encoder: sum(({ deaths }) => deaths.encoder), process: sum(({ deaths }) => deaths.process) },
      ...{ connection: sum(({ deaths }) => deaths.connection), gateway: sum(({ deaths }) => deaths.gateway) },
      ...{ reloads: sum(({ findings }) => findings.reloads), blocked: sum(({ findings }) => findings.blocked) },
      ...{ parts: sum(({ findings }) => findings.parts), segments: sum(({ findings }) => findings.segments) },
    };
    process.stderr.write(`${JSON.stringify(counts)}\n`);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10);
  });
