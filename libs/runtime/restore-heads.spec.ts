import { describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryAggregateStore, MemoryEventLog, MemoryOutbox } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { directHeader, encodeEvent, streamPublishRejected, streamStopped, topicPartitions, type DraftOf, type LogRecord } from '#events';
import { accept, refuse, type Decider } from '#kernel';
import { pino } from 'pino';
import { CommandExecutor, type Aggregate } from './command-executor.ts';
import { envelop } from './envelopes.ts';
import { restoreHeads } from './restore-heads.ts';

type Draft = DraftOf<typeof streamStopped> | DraftOf<typeof streamPublishRejected>;
interface State {
  readonly details: readonly string[];
}
interface Command {
  readonly streamId: string;
  readonly detail: string;
}

function stopped({ streamId, detail }: Command): DraftOf<typeof streamStopped> {
  return streamStopped.draft({ streamId, reason: 'operator', detail });
}

/** Keeps every detail that it was told; refuses to be told `no`. */
const decider: Decider<State, Command, Draft> = {
  initialState: { details: [] },
  decide(command) {
    if (command.detail !== 'no') return accept(stopped(command));
    const { streamId } = command;
    return refuse('bad-key', 'No.', streamPublishRejected.draft({ streamId, reason: 'bad-key', detail: '', remoteAddress: '', node: 'n' }));
  },
  evolve: (state, event) => ({ details: [...state.details, event.type === 'stream.stopped' ? event.data.detail : 'refused'] }),
};
const stream: Aggregate<State, Command, Draft> = { context: 'stream', decider };
const logger = pino({ level: 'silent' });
const clock = new ManualClock();
const ids = new UuidV7IdSource();

function emptyStore(): { outbox: MemoryOutbox; aggregates: MemoryAggregateStore } {
  const outbox = new MemoryOutbox(clock);
  return { outbox, aggregates: new MemoryAggregateStore(outbox) };
}

/** A log with what commands told the streams, and the store that they left. */
async function given(...told: ReadonlyArray<readonly [streamId: string, detail: string]>): Promise<{ log: MemoryEventLog; before: MemoryAggregateStore }> {
  const log = new MemoryEventLog(clock);
  await log.ensureTopic('stream', topicPartitions);
  const { outbox, aggregates } = emptyStore();
  const executor = new CommandExecutor({ aggregates, clock, ids, source: '/test/1' });
  for (const [streamId, detail] of told) await executor.execute(stream, streamId, { streamId, detail }, { actor: 'key:k', correlationId: 'c', tenant: 'acme' });
  const rows = await outbox.take(1000, 0);
  for (const { record } of rows) await log.append('stream', [record]);
  return { log, before: aggregates };
}

async function recordOf(streamId: string, detail: string, streamVersion: bigint, producerEpoch = 0n): Promise<LogRecord> {
  const meta = { context: 'stream', actor: 'a', correlationId: 'c', causationId: 'c', traceparent: '', tenant: 'default', producerEpoch } as const;
  return encodeEvent(await envelop(stopped({ streamId, detail }), meta, streamVersion, { clock, ids, source: '/test/1' }));
}

describe('heads that the database lost', () => {
  test('are folded from command events; refusals and facts of other producers do not count', async () => {
    const { log, before } = await given(['st-1', 'a'], ['st-2', 'x'], ['st-1', 'no'], ['st-1', 'b'], ['st-3', 'no'], ['st-1', 'c']);
    await log.append('stream', [await recordOf('st-2', 'a fact', 2n, 7n), await recordOf('st-2', 'a fact', 1n, 7n)]);
    const { aggregates, outbox } = emptyStore();
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.load('stream', 'st-1')).toEqual({ version: 3n, state: { details: ['a', 'b', 'c'] }, tenant: 'acme' });
    expect(await aggregates.load('stream', 'st-2')).toEqual(await before.load('stream', 'st-2'));
    expect(await aggregates.load('stream', 'st-3')).toBeUndefined();
    expect(await outbox.take(1, 0)).toEqual([]);
  });

  test.each([
    ['somebody wrote past the platform', { [directHeader]: 'tenant-open' }],
    ['another region decided', { ce_origin: 'north' }],
  ])('are not what %s', async (_, headers) => {
    const { log, before } = await given(['st-1', 'a']);
    const other = await recordOf('st-1', 'of others', 2n);
    await log.append('stream', [{ ...other, headers: { ...other.headers, ...headers } }]);
    const { aggregates } = emptyStore();
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.load('stream', 'st-1')).toEqual(await before.load('stream', 'st-1'));
  });

  test('come back although others exist, which are kept', async () => {
    const { log } = await given(['st-1', 'a'], ['st-2', 'x']);
    const { aggregates } = emptyStore();
    await aggregates.restore('stream', [{ id: 'st-1', version: 5n, state: { details: ['newer'] }, tenant: 'acme' }]);
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.load('stream', 'st-1')).toEqual({ version: 5n, state: { details: ['newer'] }, tenant: 'acme' });
    expect((await aggregates.load('stream', 'st-2'))?.version).toBe(1n);
  });

  test('are looked for once', async () => {
    const { log } = await given(['st-1', 'a']);
    const { aggregates } = emptyStore();
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.restoredPartitions('stream')).toHaveLength(topicPartitions);
    await log.append('stream', [await recordOf('st-9', 'later', 1n)]);
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.load('stream', 'st-9')).toBeUndefined();
  });

  test('are folded in several passes when they do not fit into memory', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `st-${at}`);
    const { log, before } = await given(...['a', 'b', 'c'].flatMap((detail) => names.map((name) => [name, detail] as const)));
    const { aggregates } = emptyStore();
    await restoreHeads([stream], { log, aggregates, logger, charactersMax: 1 });
    for (const name of names) expect(await aggregates.load('stream', name)).toEqual(await before.load('stream', name));
  });

  test('follow the last beginning of a stream that was begun twice', async () => {
    const { log } = await given(['st-1', 'a'], ['st-1', 'b']);
    await log.append('stream', [await recordOf('st-1', 'anew', 1n)]);
    const { aggregates } = emptyStore();
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.load('stream', 'st-1')).toEqual({ version: 1n, state: { details: ['anew'] }, tenant: 'default' });
  });

  test.each([
    ['cannot be read', async () => ({ ...(await recordOf('st-1', 'b', 2n)), value: '{' })],
    ['comes after a hole', () => recordOf('st-1', 'c', 3n)],
  ])('stay away, and their partition unfinished, when an event %s', async (_what, made) => {
    const { log } = await given(['st-1', 'a'], ['st-2', 'x']);
    await log.append('stream', [await made()]);
    const { aggregates } = emptyStore();
    await restoreHeads([stream], { log, aggregates, logger });
    expect(await aggregates.load('stream', 'st-1')).toBeUndefined();
    expect((await aggregates.load('stream', 'st-2'))?.version).toBe(1n);
    expect(await aggregates.restoredPartitions('stream')).toHaveLength(topicPartitions - 1);
  });
});
