import { expect, test } from '@jest/globals';
import { SimulatedStream, type SimulatedFailover } from './simulated-failover.fixture.ts';

const wanted = process.env['SIM_SEED'];
const seeds = wanted === undefined ? Array.from({ length: 12 }, (_, at) => at + 1) : [Number(wanted)];
/** Of the stream's life. */
const minutes = 20;
const done: SimulatedFailover[] = [];

const simulate = (seed: number, rest: { silenceMs?: number; ms?: number } = {}): Promise<SimulatedFailover> =>
  new SimulatedStream({ seed, ms: minutes * 60_000, ...rest }).run();

test.each(seeds)('whoever sends is seen, one at a time, and nobody goes to and fro (seed %i)', async (seed) => {
  const run = await simulate(seed);
  expect(run.violation).toBeUndefined();
  done.push(run);
});

if (wanted === undefined) {
  test('that was for every reason there is', () => {
    const reasons = new Set(done.flatMap(({ switches }) => [...switches.keys()]));
    expect([...reasons].toSorted()).toEqual(['closed', 'lease-lost', 'media-silence', 'recovered', 'requested', 'unreachable']);
    process.stderr.write(`${done.reduce((sum, { steps }) => sum + steps, 0)} steps, ${done.reduce((sum, { faults }) => sum + faults, 0)} faults\n`);
    expect(done.reduce((sum, { faults }) => sum + faults, 0)).toBeGreaterThan(1000);
  });
}

test('a seed is the whole story: it runs the same again', async () => {
  const ms = 120_000;
  const [one, other, another] = [await simulate(7, { ms }), await simulate(7, { ms }), await simulate(8, { ms })];
  expect(one.digest).toBe(other.digest);
  expect(one.digest).not.toBe(another.digest);
});

test('a machine that never minds a silence is found out', async () => {
  expect((await simulate(3, { silenceMs: 3_600_000 })).violation).toBeDefined();
});
