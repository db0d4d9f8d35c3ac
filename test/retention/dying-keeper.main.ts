import { openEngines } from '#adapters/engines';
import { SealedEventLog } from '#adapters/sealed-log';
import { contexts } from '#events';
import type { BlobStore, EventLog } from '#ports';
import { projections } from '#read-models';
import { CommandExecutor, readSharedSettings } from '#runtime';
import { pino } from 'pino';
import { RetentionKeeper } from '../../apps/projector/retention/retention-keeper.ts';
import { killPoints, type KillPoint } from './kill-points.ts';

/**
 * A keeper of the log's past on real engines, which the kernel ends (SIGKILL) at the step that `KILL_AT` names; without one
 * it works until its standard input closes.
 */
const killAt = process.env['KILL_AT'];
if (killAt !== undefined && !(killPoints as readonly string[]).includes(killAt)) throw new RangeError(killAt);

/** Nothing follows: the signal cannot be caught. */
function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

async function at<Result>(point: string, work: () => Promise<Result>): Promise<Result> {
  if (killAt === (`before ${point}` satisfies string as KillPoint)) await die();
  const result = await work();
  if (killAt === (`after ${point}` satisfies string as KillPoint)) await die();
  return result;
}

/** The same object, some of whose methods are others. */
function overlaid<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get(inner, name) {
      const member: unknown = Reflect.get(methods, name) ?? Reflect.get(inner, name, inner);
      return typeof member === 'function' ? (...args: readonly unknown[]): unknown => Reflect.apply(member, inner, args) : member;
    },
  });
}

async function* halfOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    yield chunk;
    if (killAt === 'while the blob is written') await die();
  }
}

const settings = readSharedSettings();
const engines = await openEngines(settings, 'log', 'database', 'blobs');
const { blobs, aggregates, clock, ids, sealedLog } = engines;
const topicSteps: Readonly<Record<string, string>> = { 'streams.sealed': 'the catalogue has it', operation: 'the log tells it' };

const dyingBlobs: BlobStore = overlaid<BlobStore>(blobs, {
  putStream: (source) => at('the blob is written', () => blobs.putStream(halfOf(source))),
  read: (...args) => at('the blob is read back', () => blobs.read(...args)),
});
const dyingLog: EventLog = overlaid<EventLog>(sealedLog.hot, {
  append: (topic, ...args) => at(topicSteps[topic] ?? topic, () => sealedLog.hot.append(topic, ...args)),
  truncate: (...args) => at('the engine removes it', () => sealedLog.hot.truncate(...args)),
});

const keeper = new RetentionKeeper(
  { owner: 'keeper', topics: contexts, settings: { hotMs: {}, keptMs: {} }, source: '/test', lookMs: 20 },
  {
    ...engines,
    log: new SealedEventLog({}, { hot: dyingLog, blobs: () => Promise.resolve(dyingBlobs) }),
    store: engines.projections,
    projections,
    commands: new CommandExecutor({ aggregates, clock, ids, source: '/test' }),
    logger: pino({ level: 'error' }),
  },
);
keeper.start();
process.stdin.resume().on('end', () => {
  void keeper
    .stop()
    .then(() => engines.close())
    .then(() => process.exit(0));
});
