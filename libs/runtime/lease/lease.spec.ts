import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryLeaseStore } from '#adapters/memory';
import { OperatingError } from '#kernel';
import { Timers, type Lease } from '#ports';
import { pino } from 'pino';
import { Health } from '../telemetry/health.ts';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import { PromMeter } from '../telemetry/metrics/prom-meter.ts';
import { HeldLease } from './held-lease.ts';
import { LeasedJobs, type LeasedJob, type LeasedJobsInit } from './leased-jobs.ts';
import { LeasedWorker, type LeasedWorkerDeps, type LeasedWorkerInit, type Tenure } from './leased-worker.ts';
import { WorkBoard } from './work-board.ts';

/** Lets everything go on that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The timers of one process, by the clock of the world. A frozen process is woken late, and then of all at once. */
class ProcessTimers extends Timers {
  isFrozen = false;
  readonly waited: number[] = [];
  readonly #due = new Set<{ readonly at: number; readonly wake: () => void }>();

  constructor(readonly clock: ManualClock) {
    super();
  }

  override after(ms: number, wake: () => void): () => void {
    const one = { at: this.clock.now() + ms, wake };
    this.waited.push(ms);
    this.#due.add(one);
    return () => this.#due.delete(one);
  }

  /** Waits are as long as they can be. */
  override chance(): number {
    return 1;
  }

  next(): number {
    return this.isFrozen ? Number.POSITIVE_INFINITY : Math.min(...[...this.#due].map(({ at }) => at));
  }

  fire(): void {
    for (const one of [...this.#due].filter(({ at }) => at <= this.clock.now())) {
      this.#due.delete(one);
      one.wake();
    }
  }
}

/** Does what it is told, or says that it is away. */
class FlakyLeases extends MemoryLeaseStore {
  away = false;

  override acquire(...args: Parameters<MemoryLeaseStore['acquire']>): Promise<Lease | undefined> {
    return this.#answer(() => super.acquire(...args));
  }

  override renew(...args: Parameters<MemoryLeaseStore['renew']>): Promise<boolean> {
    return this.#answer(() => super.renew(...args));
  }

  override release(lease: Lease): Promise<void> {
    return this.#answer(() => super.release(lease));
  }

  #answer<T>(work: () => Promise<T>): Promise<T> {
    return this.away ? Promise.reject(new OperatingError('the store is away', { code: 'DATABASE_AWAY', retryable: true })) : work();
  }
}

let clock: ManualClock;
let beganAt: number;
let leases: FlakyLeases;
let processes: ProcessTimers[];
let said: string[];

beforeEach(() => {
  clock = new ManualClock();
  beganAt = clock.now();
  leases = new FlakyLeases(clock);
  processes = [];
  said = [];
});

const logger = pino({ base: null, level: 'debug' }, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });

function process(): ProcessTimers {
  const timers = new ProcessTimers(clock);
  processes.push(timers);
  return timers;
}

/** Time goes by, and every process does what is due in it. */
async function pass(ms: number): Promise<void> {
  const end = clock.now() + ms;
  for (await settle(); ; await settle()) {
    const next = Math.min(...processes.map((each) => each.next()));
    if (next > end) break;
    if (next > clock.now()) clock.advance(next - clock.now());
    for (const each of processes) if (!each.isFrozen) each.fire();
  }
  if (end > clock.now()) clock.advance(end - clock.now());
}

interface Started {
  readonly worker: LeasedWorker;
  readonly timers: ProcessTimers;
  /** Each time that it held the lease. */
  readonly tenures: Tenure[];
}

function untilOver({ signal }: Tenure): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())));
}

function start(owner: string, work: (tenure: Tenure) => Promise<void> = untilOver, more: Partial<LeasedWorkerInit & LeasedWorkerDeps> = {}): Started {
  const timers = process();
  const tenures: Tenure[] = [];
  const init = { worker: 'the work', lease: 'work', owner, leaseTtlMs: 6000, trouble: 'the work is not done' };
  const worker = new LeasedWorker({ ...init, ...more }, { leases, logger, timers, ...more }, (tenure) => {
    tenures.push(tenure);
    return work(tenure);
  });
  worker.start();
  return { worker, timers, tenures };
}

describe('a leased worker', () => {
  test('of two, one works, as long as it lives; the other takes over when it is stopped', async () => {
    const [one, two] = [start('one'), start('two')];
    await pass(60_000);
    expect([one.tenures.length, two.tenures.length]).toEqual([1, 0]);
    const stopped = one.worker.stop();
    await pass(0);
    await stopped;
    await pass(1000);
    expect(two.tenures.map(({ lease }) => lease.epoch)).toEqual([2n]);
    expect(one.tenures[0]?.signal.aborted).toBe(true);
  });

  test('one that is stopped in the middle of a step ends that step, and only then gives the lease back', async () => {
    let finish: () => void = () => undefined;
    const one = start('one', () => new Promise((resolve) => (finish = resolve)));
    await pass(0);
    let isStopped = false;
    const stopped = one.worker.stop().then(() => (isStopped = true));
    await pass(20_000);
    // Renewed meanwhile: nobody is in its way.
    expect([isStopped, await leases.acquire('work', 'two', 6000)]).toEqual([false, undefined]);
    finish();
    await stopped;
    expect((await leases.acquire('work', 'two', 6000))?.epoch).toBe(2n);
  });

  test('one that was frozen for longer than its lease learns on waking that it is another’s, and stands back', async () => {
    const [one, two] = [start('one'), start('two')];
    await pass(0);
    one.timers.isFrozen = true;
    await pass(7000);
    expect(two.tenures).toHaveLength(1);
    expect(one.tenures[0]?.signal.aborted).toBe(false);
    one.timers.isFrozen = false;
    await pass(0);
    expect(one.tenures[0]?.signal.aborted).toBe(true);
    expect(said).toContain('the lease was taken by another process');
    await pass(60_000);
    // What it had is gone, and it did not take it from the other.
    expect([one.tenures.length, two.tenures.length]).toEqual([1, 1]);
    expect(two.tenures[0]?.signal.aborted).toBe(false);
    expect(two.tenures[0]?.lease.epoch).toBeGreaterThan(one.tenures[0]?.lease.epoch ?? 9n);
  });

  test('one that was frozen while nobody took the lease goes on', async () => {
    const one = start('one');
    await pass(0);
    one.timers.isFrozen = true;
    await pass(60_000);
    one.timers.isFrozen = false;
    await pass(10_000);
    expect(one.tenures).toHaveLength(1);
    expect(one.tenures[0]?.signal.aborted).toBe(false);
  });

  test('what fails in passing is tried again after 100 ms, twice as long each time, 2 s at most; progress begins anew', async () => {
    let hasMoved = false;
    const one = start('one', ({ moved }) => {
      if (hasMoved) moved();
      return Promise.reject(new OperatingError('the disk is busy', { code: 'BUSY', retryable: true }));
    });
    await pass(10_000);
    const waits = one.timers.waited.filter((ms) => ms !== 1800);
    expect(waits).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000]);
    expect(said.slice(0, 1)).toEqual(['the work is not done: the disk is busy']);
    hasMoved = true;
    await pass(6000);
    expect(one.timers.waited.filter((ms) => ms !== 1800).slice(waits.length)).toContain(100);
  });

  test('what fails for good waits for up to half a minute, and gives the lease to whoever asks meanwhile', async () => {
    const one = start('one', () => Promise.reject(new Error('this is no log of ours')));
    const two = start('two');
    await pass(3000);
    expect(one.tenures.length).toBeLessThan(6);
    expect(two.tenures).toHaveLength(1);
    await one.worker.stop();
    expect(one.tenures.every(({ lease }) => lease.epoch < (two.tenures[0]?.lease.epoch ?? 0n))).toBe(true);
    const alone = start('three', () => Promise.reject(new Error('this is no log of ours')), { lease: 'other' });
    await pass(200_000);
    expect(Math.max(...alone.timers.waited)).toBe(30_000);
  });

  test('a store that is away keeps nobody from working, and is asked again by whoever waits', async () => {
    const [one, two] = [start('one'), start('two')];
    await pass(0);
    leases.away = true;
    await pass(30_000);
    expect(one.tenures[0]?.signal.aborted).toBe(false);
    expect(said).toContain('a lease cannot be renewed now');
    expect(said).toContain('the work is not done: the store is away');
    const stopped = one.worker.stop();
    await pass(0);
    await stopped;
    expect(said).toContain('a lease could not be given back; it expires by itself');
    leases.away = false;
    await pass(10_000);
    expect(two.tenures).toHaveLength(1);
  });

  test('work that ends by itself is begun anew', async () => {
    const one = start('one', (tenure) => (one.tenures.length < 3 ? Promise.resolve() : untilOver(tenure)));
    await pass(1000);
    await pass(1000);
    expect(one.tenures.map(({ lease }) => lease.epoch)).toEqual([1n, 2n, 3n]);
  });

  test('makes the process unhealthy where others wait for its work and no retry helps, and not where an engine is away', async () => {
    const health = new Health(30_000, () => clock.now());
    let error: Error = new Error('this is no log of ours');
    const one = start('one', () => Promise.reject(error), { health });
    await pass(50_000);
    expect(health.moving().problems).toEqual([expect.stringMatching(/^the work has been refused for \d+ s: this is no log of ours$/)]);
    error = new OperatingError('away', { code: 'AWAY', retryable: true });
    await pass(30_000);
    expect(health.moving().ok).toBe(true);
    await one.worker.stop();
    expect(health.quiet().size).toBe(0);
  });
});

describe('a held lease', () => {
  test('can be taken anew under a greater epoch, unless another has it by then', async () => {
    const timers = process();
    const held = await HeldLease.acquire({ name: 'work', owner: 'one', ttlMs: 6000 }, { leases, logger, timers });
    await held?.renewEpoch();
    await pass(20_000);
    expect([held?.epoch, held?.lost.aborted]).toEqual([2n, false]);
    timers.isFrozen = true;
    await pass(7000);
    await leases.acquire('work', 'two', 6000);
    await held?.renewEpoch();
    expect(held?.lost.aborted).toBe(true);
    await held?.release();
    expect(await leases.acquire('work', 'three', 6000)).toBeUndefined();
  });
});

describe('the board of workers', () => {
  test('shows who holds a lease, when a round was last done, and how many failed', async () => {
    const meter = new PromMeter(logger);
    const board = new WorkBoard(clock, meter);
    let fails = true;
    const one = start(
      'one',
      async (tenure) => {
        if (fails) throw new Error('not yet');
        tenure.moved();
        await untilOver(tenure);
      },
      { board },
    );
    start('two', untilOver, { board, worker: 'other', lease: 'others' });
    await pass(500);
    expect(board.states()).toEqual([
      { worker: 'the work', held: 0, succeededAtMs: undefined, failures: 3 },
      { worker: 'other', held: 1, succeededAtMs: undefined, failures: 0 },
    ]);
    fails = false;
    await pass(10_000);
    expect(board.states()[0]).toEqual({ worker: 'the work', held: 1, succeededAtMs: beganAt + 700, failures: 3 });
    const shown = await meter.exposition();
    expect(shown).toContain(`${metrics.workerLeases.name}{worker="the work"} 1`);
    expect(shown).toContain(`${metrics.workerSuccess.name}{worker="the work"} ${(beganAt + 700) / 1000}`);
    expect(shown).toContain(`${metrics.workerFailures.name}{worker="the work"} 3`);
    expect(shown).toContain(`${metrics.workerFailures.name}{worker="other"} 0`);
    expect(shown).not.toContain(`${metrics.workerSuccess.name}{worker="other"}`);
    await one.worker.stop();
    expect(board.states()[0]?.held).toBe(0);
  });

  test('counts on when a thread that it copies from begins at nothing again', async () => {
    const meter = new PromMeter(logger);
    const board = new WorkBoard(clock, meter);
    const told = { worker: 'replays', held: 2, succeededAtMs: 5000 };
    board.copy([{ ...told, failures: 3 }]);
    board.copy([{ ...told, failures: 4 }]);
    board.copy([{ worker: 'replays', held: 0, succeededAtMs: undefined, failures: 1 }]);
    expect(await meter.exposition()).toContain(`${metrics.workerFailures.name}{worker="replays"} 5`);
    expect(board.states()).toEqual([{ worker: 'replays', held: 0, succeededAtMs: 5000, failures: 1 }]);
  });
});

describe('leased jobs', () => {
  interface Bench {
    readonly jobs: LeasedJobs;
    readonly timers: ProcessTimers;
    readonly board: WorkBoard;
    /** Jobs under way, by id, with what ends them. */
    readonly begun: Map<string, { readonly lease: Lease; readonly stop: AbortSignal; readonly end: (error?: Error) => void }>;
    tidied: number;
  }

  let waiting: string[];
  /** Jobs that only wait for somebody. */
  let idle: Set<string>;
  beforeEach(() => {
    waiting = [];
    idle = new Set();
  });

  function work(owner: string, more: Partial<LeasedJobsInit> = {}): Bench {
    const timers = process();
    const begun: Bench['begun'] = new Map();
    const jobOf = (id: string): LeasedJob => ({
      id,
      takesPlace: () => !idle.has(id),
      run: (lease, stop) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
          stop.addEventListener('abort', () => resolve());
          begun.set(id, { lease, stop, end });
        }),
    });
    const bench = { timers, begun, board: new WorkBoard(clock), tidied: 0 } as unknown as Bench;
    const look = (): Promise<readonly LeasedJob[]> => Promise.resolve(waiting.map(jobOf));
    const tidy = (): Promise<void> => Promise.resolve(void bench.tidied++);
    const jobs = new LeasedJobs({ jobs: 'jobs', leasePrefix: 'job/', owner, ...more }, { leases, logger, timers, board: bench.board, look, tidy });
    jobs.start();
    return Object.assign(bench, { jobs });
  }

  test('are begun in their order, no more at once than may be, each once', async () => {
    waiting = ['a', 'b', 'c'];
    const one = work('one', { jobsMax: 2 });
    await pass(5000);
    expect([...one.begun.keys()]).toEqual(['a', 'b']);
    expect(one.board.states()).toEqual([{ worker: 'jobs', held: 2, succeededAtMs: beganAt + 5000, failures: 0 }]);
    one.begun.get('a')?.end();
    waiting = ['b', 'c'];
    await pass(1000);
    expect([...one.begun.keys()]).toEqual(['a', 'b', 'c']);
    expect([one.jobs.isRunning('a'), one.jobs.isRunning('c')]).toEqual([false, true]);
  });

  test('that have come to wait for somebody take no place from others, and are begun whatever is under way', async () => {
    waiting = ['a', 'b', 'c', 'd'];
    idle.add('d');
    const one = work('one', { jobsMax: 1 });
    await pass(1000);
    expect([...one.begun.keys()]).toEqual(['a', 'd']);
    idle.add('a');
    await pass(1000);
    expect([...one.begun.keys()]).toEqual(['a', 'd', 'b']);
    // Somebody decided: it goes on beside what was begun meanwhile, and nothing else is begun.
    idle.delete('a');
    waiting = ['a', 'c', 'd'];
    one.begun.get('b')?.end();
    await pass(1000);
    expect([...one.begun.keys()]).toEqual(['a', 'd', 'b']);
  });

  test('that another process works on take nobody’s place here', async () => {
    waiting = ['a', 'b'];
    work('one', { jobsMax: 1 });
    await pass(0);
    const two = work('two', { jobsMax: 1 });
    await pass(20_000);
    expect([...two.begun.keys()]).toEqual(['b']);
  });

  test('are ended by a process that was frozen and has lost them, and done by the other', async () => {
    waiting = ['a'];
    const one = work('one');
    await pass(0);
    one.timers.isFrozen = true;
    const two = work('two');
    await pass(7000);
    expect([...two.begun.keys()]).toEqual(['a']);
    one.timers.isFrozen = false;
    await pass(0);
    expect(one.begun.get('a')?.stop.aborted).toBe(true);
    expect(one.jobs.isRunning('a')).toBe(false);
    expect(two.begun.get('a')?.stop.aborted).toBe(false);
  });

  test('that fail are tried again after a while, and hold up no other', async () => {
    waiting = ['a', 'b'];
    const one = work('one', { jobsMax: 1 });
    await pass(0);
    one.begun.get('a')?.end(new Error('no room'));
    await pass(600);
    expect([...one.begun.keys()]).toEqual(['a', 'b']);
    expect(said).toContain('work on one of the jobs was interrupted: no room');
    one.begun.get('b')?.end();
    one.begun.clear();
    waiting = ['a'];
    await pass(1000);
    expect(one.begun.size).toBe(0);
    await pass(1000);
    expect([...one.begun.keys()]).toEqual(['a']);
    expect(one.board.states()[0]).toMatchObject({ held: 1, failures: 1 });
  });

  test('are given back when the process is stopped, behind the step under way', async () => {
    waiting = ['a'];
    const one = work('one');
    await pass(0);
    await one.jobs.stop();
    expect(one.begun.get('a')?.stop.aborted).toBe(true);
    const two = work('two');
    await pass(0);
    expect(two.begun.get('a')?.lease.epoch).toBe(2n);
  });

  test('are looked for again when a look has failed, and tidied up after every 10 s', async () => {
    const one = work('one');
    await pass(25_000);
    expect(one.tidied).toBe(3);
    waiting = ['a'];
    leases.away = true;
    await pass(2000);
    expect(said).toContain('jobs are not looked after; trying again');
    leases.away = false;
    await pass(1000);
    expect([...one.begun.keys()]).toEqual(['a']);
  });
});
