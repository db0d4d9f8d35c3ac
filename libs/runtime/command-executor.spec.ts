import { describe, expect, test } from '@jest/globals';
import { purgeRequested, streamPublishRejected, streamStopped, type DraftOf } from '#events';
import { accept, OperatingError, refuse, type Decider } from '#kernel';
import { ManualClock, MemoryAggregateStore, MemoryOutbox } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import type { AggregateCommit } from '#ports';
import { CommandExecutor, type Aggregate } from './command-executor.ts';

type Draft = DraftOf<typeof streamStopped> | DraftOf<typeof streamPublishRejected>;
interface State {
  readonly stops: number;
}
type Command = 'stop' | 'stop-twice' | 'nothing' | 'publish' | 'shout';

const stop = (detail: string): Draft => streamStopped.draft({ streamId: 'st-1', reason: 'operator', detail });
const rejected = streamPublishRejected.draft({ streamId: 'st-1', reason: 'bad-key', detail: '', remoteAddress: '', node: 'n' });

const decider: Decider<State, Command, Draft> = {
  initialState: { stops: 0 },
  decide(command, state) {
    if (command === 'nothing') return accept();
    if (command === 'publish') return refuse('bad-key', 'The key is wrong.', rejected);
    if (command === 'shout') return accept(stop('x'.repeat(2000)));
    return command === 'stop-twice' ? accept(stop(`${state.stops}`), stop('again')) : accept(stop(`${state.stops}`));
  },
  evolve: (state, event) => (event.type === 'stream.stopped' ? { stops: state.stops + 1 } : state),
};
const stream: Aggregate<State, Command, Draft> = { context: 'stream', decider };
const meta = { actor: 'key:k-1', correlationId: 'c-1' };

/** Loses every race for the head that it is told to lose. */
class ContendedStore extends MemoryAggregateStore {
  losses = 0;

  override async commit(commit: AggregateCommit): Promise<void> {
    if (this.losses-- > 0) throw new OperatingError('The head has moved on.', { code: 'VERSION_CONFLICT', retryable: true });
    return super.commit(commit);
  }
}

function given(): { outbox: MemoryOutbox; aggregates: ContendedStore; executor: CommandExecutor } {
  const clock = new ManualClock();
  const outbox = new MemoryOutbox(clock);
  const aggregates = new ContendedStore(outbox);
  return { outbox, aggregates, executor: new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/test/1', conflictRetriesMax: 3 }) };
}

describe('a command', () => {
  test('moves the head by its events and puts them into the outbox', async () => {
    const { executor, outbox, aggregates } = given();
    await executor.execute(stream, 'st-1', 'stop', meta);
    const result = await executor.execute(stream, 'st-1', 'stop-twice', { ...meta, causationId: 'e-9', traceparent: '00-a-b-01' });
    expect(result).toMatchObject({ refused: false, version: 3n, state: { stops: 3 } });
    expect(await aggregates.load('stream', 'st-1')).toEqual({ version: 3n, state: { stops: 3 }, tenant: 'default' });
    const rows = await outbox.take(10, 0);
    expect(rows.map(({ record }) => [record.headers['ce_streamversion'], record.headers['ce_causationid'], record.headers['ce_traceparent']])).toEqual([
      ['1', 'c-1', ''],
      ['2', 'e-9', '00-a-b-01'],
      ['3', 'e-9', '00-a-b-01'],
    ]);
    expect(rows[0]?.record.headers).toMatchObject({
      ce_actor: 'key:k-1',
      ce_source: '/test/1',
      ce_subject: 'st-1',
      ce_tenant: 'default',
      ce_producerepoch: '0',
    });
  });

  test('that causes nothing commits nothing', async () => {
    const { executor, outbox } = given();
    expect(await executor.execute(stream, 'st-1', 'nothing', meta)).toMatchObject({ refused: false, version: 0n, events: [] });
    expect(await outbox.take(10, 0)).toEqual([]);
  });

  test('that is refused keeps its facts as version 0 and leaves the head', async () => {
    const { executor, outbox, aggregates } = given();
    expect(await executor.execute(stream, 'st-1', 'publish', meta)).toEqual({
      refused: true,
      code: 'bad-key',
      message: 'The key is wrong.',
      version: 0n,
      state: { stops: 0 },
    });
    expect(await aggregates.load('stream', 'st-1')).toBeUndefined();
    expect((await outbox.take(10, 0)).map(({ record }) => record.headers['ce_streamversion'])).toEqual(['0']);
  });

  test('finds nothing of another tenant when it is confined, and changes nothing there', async () => {
    const { executor, outbox, aggregates } = given();
    const [acme, globex] = [
      { ...meta, tenant: 'acme', confined: true },
      { ...meta, tenant: 'globex', confined: true },
    ];
    await executor.execute(stream, 'st-1', 'stop', acme);
    const absent = await executor.execute(stream, 'st-none', 'publish', globex);
    await outbox.forget((await outbox.take(10, 0)).at(-1)?.sequence ?? 0n);
    expect(await executor.execute(stream, 'st-1', 'publish', globex)).toEqual(absent);
    expect(await executor.execute(stream, 'st-1', 'stop', globex)).toMatchObject({ refused: true, code: 'id-taken', version: 0n });
    expect(await outbox.take(10, 0)).toEqual([]);
    expect(await aggregates.load('stream', 'st-1')).toEqual({ version: 1n, state: { stops: 1 }, tenant: 'acme' });
  });

  test('of somebody who sees every tenant leaves its events with their owner', async () => {
    const { executor, outbox } = given();
    await executor.execute(stream, 'st-1', 'stop', { ...meta, tenant: 'acme', confined: true });
    await executor.execute(stream, 'st-1', 'stop', { ...meta, tenant: 'default' });
    await executor.execute(stream, 'st-1', 'publish', meta);
    expect((await outbox.take(10, 0)).map(({ record }) => record.headers['ce_tenant'])).toEqual(['acme', 'acme', 'acme']);
  });

  test('that loses the race for the head is decided anew', async () => {
    const { executor, aggregates } = given();
    aggregates.losses = 3;
    expect(await executor.execute(stream, 'st-1', 'stop', meta)).toMatchObject({ version: 1n });
  });

  test('that loses every race is given up with a clear error', async () => {
    const { executor, aggregates } = given();
    aggregates.losses = 4;
    await expect(executor.execute(stream, 'st-1', 'stop', meta)).rejects.toMatchObject({ code: 'COMMAND_CONTENDED', retryable: true });
  });

  test('whose event its schema refuses changes nothing', async () => {
    const { executor, outbox } = given();
    await expect(executor.execute(stream, 'st-1', 'shout', meta)).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID', field: 'data.detail' });
    expect(await outbox.take(10, 0)).toEqual([]);
  });

  test('whose event the log would refuse changes nothing', async () => {
    const { executor, outbox } = given();
    const urls = Array.from({ length: 300 }, (_, at) => `/${at}${'x'.repeat(4000)}`);
    const big: Aggregate<null, null, DraftOf<typeof purgeRequested>> = {
      context: 'cache',
      decider: { initialState: null, decide: () => accept(purgeRequested.draft({ purgeId: 'p', urls, reason: '' })), evolve: (state) => state },
    };
    await expect(executor.execute(big, 'p', null, meta)).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    expect(await outbox.take(10, 0)).toEqual([]);
  });
});
