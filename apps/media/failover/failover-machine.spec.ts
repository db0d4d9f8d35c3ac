import { describe, expect, test } from '@jest/globals';
import { FailoverMachine, type FailoverInput, type FailoverMachineInit, type Publisher, type SwitchEffect } from './failover-machine.core.ts';
import type { LiveSession } from '../fold/stream-fold.core.ts';
import { placedBehind, timeZeroAfter } from './time-zero.core.ts';

const a: Publisher = { sessionId: 'a', endpoint: 'primary' };
const b: Publisher = { sessionId: 'b', endpoint: 'backup' };

/** The machine on a clock of its own: publishers send 30 pictures a second and a key frame every second. */
class Bench {
  readonly machine: FailoverMachine;
  readonly switches: SwitchEffect[] = [];
  now = 0;

  constructor(init: Partial<FailoverMachineInit> = {}) {
    this.machine = new FailoverMachine({ silenceMs: 2000, returnMs: 10_000, preferred: 'primary', active: undefined, ...init });
  }

  give(input: FailoverInput): this {
    this.switches.push(...this.machine.step(input, this.now));
    return this;
  }

  publishers(publishers: readonly Publisher[], active: string | undefined = publishers[0]?.sessionId): this {
    return this.give({ kind: 'publishers', publishers, active });
  }

  run(ms: number, ...sending: readonly Publisher[]): this {
    for (const end = this.now + ms; this.now < end; this.now += 50) {
      for (const { sessionId } of sending) this.give({ kind: 'media', sessionId, keyFrame: this.now % 1000 === 0 });
      this.give({ kind: 'tick' });
    }
    return this;
  }

  get told(): ReadonlyArray<readonly [string, string, boolean]> {
    return this.switches.map(({ to, reason, planned }) => [to.sessionId, reason, planned] as const);
  }
}

const both = (init?: Partial<FailoverMachineInit>): Bench => new Bench(init).publishers([a, b]).run(5000, a, b);

describe('the one in use', () => {
  test('stays while it sends, whatever the other does', () => {
    expect(both().run(20_000, a).run(20_000, a, b).told).toEqual([]);
  });

  test('is left after two seconds of silence of its media', () => {
    const bench = both();
    expect(bench.run(1900, b).told).toEqual([]);
    expect(bench.run(300, b).told).toEqual([['b', 'media-silence', false]]);
    expect(bench.switches[0]?.silentMs).toBeGreaterThanOrEqual(2000);
  });

  test.each<[string, FailoverInput, string]>([
    ['its session is over', { kind: 'over', sessionId: 'a', reason: 'closed' }, 'closed'],
    ['its ingest lost the lease', { kind: 'over', sessionId: 'a', reason: 'lease-lost' }, 'lease-lost'],
    ['its relay is not to be reached', { kind: 'cut', sessionId: 'a' }, 'unreachable'],
    ['the log does not name it any more', { kind: 'publishers', publishers: [b], active: 'a' }, 'closed'],
  ])('is left at once when %s', (_what, input, reason) => {
    expect(both().give(input).told).toEqual([['b', reason, false]]);
  });

  test('is not left for one that is silent itself, or has had no key frame; but as soon as that is well', () => {
    const bench = both();
    expect(bench.run(30_000).told).toEqual([]);
    expect(bench.run(50, b).told).toEqual([['b', 'media-silence', false]]);
    const early = new Bench().publishers([a]).run(2000, a);
    early.give({ kind: 'over', sessionId: 'a', reason: 'closed' }).publishers([b], 'a');
    expect(early.give({ kind: 'media', sessionId: 'b', keyFrame: false }).told).toEqual([]);
    expect(early.give({ kind: 'media', sessionId: 'b', keyFrame: true }).told).toEqual([['b', 'closed', false]]);
  });

  test('is not blamed for a silence in which this process stood still', () => {
    const bench = both();
    bench.now += 5000;
    expect(bench.give({ kind: 'media', sessionId: 'b', keyFrame: true }).run(1000, a, b).told).toEqual([]);
  });

  test('of an interrupted stream has no successor: whoever starts it anew begins', () => {
    const bench = new Bench().publishers([a]).run(2000, a).publishers([], 'a');
    const c = { ...b, sessionId: 'c' };
    expect(bench.publishers([c]).run(3000, c).told).toEqual([]);
    expect(bench.machine.active).toEqual(c);
  });
});

describe('back to the preferred one', () => {
  const failed = (): Bench => both().run(2500, b);

  test('once it has been well for long enough, at a key frame of it', () => {
    const bench = failed().run(9000, a, b);
    expect(bench.told).toHaveLength(1);
    expect(bench.run(3000, a, b).told.at(-1)).toEqual(['a', 'recovered', true]);
    expect(bench.now % 1000).toBe(500);
  });

  test('not while it comes and goes', () => {
    const bench = failed();
    for (let n = 0; n < 10; n++) bench.run(5000, a, b).run(1500, b);
    expect(bench.told).toHaveLength(1);
  });

  test('later each time, if it does not last', () => {
    const bench = both();
    const times: number[] = [];
    for (let n = 0; n < 4; n++) {
      bench.run(3000, b);
      const from = bench.now;
      while (bench.machine.active?.sessionId === 'b') bench.run(1000, a, b);
      times.push(bench.now - from);
    }
    expect(times).toEqual([11_000, 20_000, 40_000, 80_000].map((ms) => expect.closeTo(ms, -4)));
  });
});

describe('a wish', () => {
  test('is done at the next key frame, and stays', () => {
    const bench = both().give({ kind: 'request', to: 'backup' });
    expect(bench.told).toEqual([]);
    expect(bench.run(60_000, a, b).told).toEqual([['b', 'requested', true]]);
  });

  test('does not stand against a failure, and is come back to', () => {
    const bench = both().give({ kind: 'request', to: 'backup' }).run(2000, a, b).run(3000, a).run(15_000, a, b);
    expect(bench.told).toEqual([
      ['b', 'requested', true],
      ['a', 'media-silence', false],
      ['b', 'recovered', true],
    ]);
  });

  test('for the one in use is none', () => {
    expect(both().give({ kind: 'request', to: 'primary' }).run(20_000, a, b).told).toEqual([]);
  });
});

describe('time zero of the one that takes over', () => {
  test('is where its media arrived with that of the one before', () => {
    expect(timeZeroAfter({ toldMs: 1000, heardMs: 1500 }, { toldMs: 9000, heardMs: 4200.4, latestMs: 0 }, undefined)).toBe(3700);
  });

  test('is told by its arrival alone where nobody heard the one before, but never before what is stored', () => {
    const last = { mediaSequence: 1, sessionId: 'a', renditions: { '720p': { startUs: 2e6, endUs: 4e6, programDateTimeMs: 8000, initCid: 'v' } } };
    expect(timeZeroAfter({ toldMs: 1000, heardMs: undefined }, { toldMs: 9000, heardMs: 4200, latestMs: 7000 }, last)).toBe(4200);
    expect(timeZeroAfter({ toldMs: 1000, heardMs: undefined }, { toldMs: 9000, heardMs: 4200, latestMs: 100 }, last)).toBe(9900);
    expect(timeZeroAfter({ toldMs: 1000, heardMs: 1 }, { toldMs: 9000, heardMs: undefined, latestMs: 100 }, last)).toBe(9000);
  });
});

describe('time zero of one that begins behind those of before', () => {
  const session = { sessionId: 'b', endpoint: 'primary' as const, relayUrl: '', startedAtMs: 9000, tenant: 't' };
  const picture = { startUs: 2e6, endUs: 4e6, programDateTimeMs: 8000, initCid: 'v' };
  const last = (sessionId = 'a', sound = {}) => ({ mediaSequence: 1, sessionId, renditions: { '720p': picture, ...sound } });
  const sound = { audio: { startUs: 2.01e6, endUs: 4.0205e6, programDateTimeMs: 8010, initCid: 'a' } };

  test.each<[string, LiveSession, number]>([
    ['is when its first frame came', placedBehind(undefined, session, 67), 9000],
    ['and not so early that it began within what is stored', placedBehind(last(), session, 0), 10_000],
    ['where the frame that is shown first is shown later', placedBehind(last(), session, 67), 9933],
    ['nor within the sound of it', placedBehind(last('a', sound), session, 0), 10_021],
    ['is its own where it came later', placedBehind(last(), { ...session, startedAtMs: 12_000 }, 0), 12_000],
    ['or has stored something', placedBehind(last('b'), session, 0), 9000],
    ['or the log has said it', placedBehind(last(), { ...session, isPlaced: true }, 0), 9000],
  ])('%s', (_what, placed, startedAtMs) => expect(placed).toEqual({ ...session, startedAtMs, isPlaced: true }));
});
