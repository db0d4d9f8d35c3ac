import { describe, expect, test } from '@jest/globals';
import { decodeEvent, keyRevoked, streamInterrupted, type Context, type EventEnvelope } from '#events';
import type { AggregateCommit, AggregateHead, AggregateStore } from '../aggregate-store.port.ts';
import type { Outbox, OutboxRow } from '../outbox.port.ts';
import { freshName, operatingError, useSubject, type SubjectFactory } from './subject.ts';

/** An aggregate store and the outbox that its commits fill. */
export interface AggregateSubject {
  readonly aggregates: AggregateStore;
  readonly outbox: Outbox;
}

let ids = 0;

const tenant = 'acme';

function eventOf(id: string, streamVersion: bigint, context: Context = 'access'): EventEnvelope {
  ids += 1;
  const definition = context === 'access' ? keyRevoked : streamInterrupted;
  return {
    id: `01926f4e-7d3a-7000-8000-${ids.toString(16).padStart(12, '0')}`,
    type: definition.type,
    version: definition.version,
    source: '/test/1',
    subject: id,
    time: 1_790_000_000_123,
    key: id,
    tenant,
    correlationId: 'c-1',
    causationId: 'c-1',
    traceparent: '',
    actor: 'system:test',
    streamVersion,
    producerEpoch: 0n,
    data: context === 'access' ? { keyId: id, reason: 'größer als 😀' } : { ...(streamInterrupted.samples[0] as object), streamId: id },
  };
}

/** A commit of `count` events that move the head on from `version`. */
function commitOf(id: string, version: bigint, count: number, state: unknown = { id, version: `${version}` }): AggregateCommit {
  const events = Array.from({ length: count }, (_, at) => eventOf(id, version + BigInt(at) + 1n));
  return { context: 'access', id, expectedVersion: version, state, events };
}

/** Takes and forgets everything. */
async function drain(outbox: Outbox): Promise<OutboxRow[]> {
  const drained: OutboxRow[] = [];
  for (;;) {
    const rows = await outbox.take(100, 0);
    const last = rows.at(-1);
    if (last === undefined) return drained;
    drained.push(...rows);
    await outbox.forget(last.sequence);
  }
}

/** What every aggregate store and its outbox promise. */
export function aggregateStoreConformance(name: string, factory: SubjectFactory<AggregateSubject>): void {
  describe(`${name} is an aggregate store with an outbox`, () => {
    const subject = useSubject(factory);
    heads(() => subject().port);
    conflicts(() => subject().port);
    finding(() => subject().port);
    restoring(() => subject().port);
    outboxOrder(() => subject().port);
    outboxWaits(() => subject().port);
  });
}

function heads(subject: () => AggregateSubject): void {
  describe('heads', () => {
    test('there is none before the first commit', async () => {
      expect(await subject().aggregates.load('access', freshName('k'))).toBeUndefined();
    });

    test('hold the version and the state of the last commit', async () => {
      const { aggregates } = subject();
      const id = freshName('k');
      await aggregates.commit(commitOf(id, 0n, 2, { tags: ['a', null], text: '"😀\u2028', deep: { n: 1.5, yes: true } }));
      expect(await aggregates.load('access', id)).toEqual({
        version: 2n,
        state: { tags: ['a', null], text: '"😀\u2028', deep: { n: 1.5, yes: true } },
        tenant,
      });
      await aggregates.commit(commitOf(id, 2n, 1, { gone: true }));
      expect(await aggregates.load('access', id)).toEqual({ version: 3n, state: { gone: true }, tenant });
    });

    test('stay with the tenant of their first event', async () => {
      const { aggregates } = subject();
      const id = freshName('k');
      await aggregates.commit(commitOf(id, 0n, 1));
      const [event] = commitOf(id, 1n, 1).events as [EventEnvelope];
      await aggregates.commit({ ...commitOf(id, 1n, 0, { moved: true }), events: [{ ...event, tenant: 'globex' }] });
      expect(await aggregates.load('access', id)).toEqual({ version: 2n, state: { moved: true }, tenant });
    });

    test('contexts are apart', async () => {
      const { aggregates } = subject();
      const id = freshName('k');
      await aggregates.commit(commitOf(id, 0n, 1));
      expect(await aggregates.load('stream', id)).toBeUndefined();
    });

    test('facts about a refusal fill the outbox and leave the head', async () => {
      const { aggregates, outbox } = subject();
      await drain(outbox);
      const id = freshName('k');
      const refusal = { ...commitOf(id, 0n, 0, { never: 'kept' }), events: [eventOf(id, 0n)] };
      await aggregates.commit(refusal);
      expect(await aggregates.load('access', id)).toBeUndefined();
      await aggregates.commit(commitOf(id, 0n, 1, { kept: true }));
      await aggregates.commit({ ...refusal, expectedVersion: 1n });
      expect(await aggregates.load('access', id)).toEqual({ version: 1n, state: { kept: true }, tenant });
      expect(await drain(outbox)).toHaveLength(3);
    });

    test('a state cannot be changed from outside', async () => {
      const { aggregates } = subject();
      const id = freshName('k');
      const state = { list: [1] };
      await aggregates.commit(commitOf(id, 0n, 1, state));
      state.list.push(2);
      const loaded = (await aggregates.load('access', id)) as AggregateHead;
      (loaded.state as typeof state).list.push(3);
      expect((await aggregates.load('access', id))?.state).toEqual({ list: [1] });
    });
  });
}

function conflicts(subject: () => AggregateSubject): void {
  describe('conflicts', () => {
    test('a version that has moved on is refused, and nothing is written', async () => {
      const { aggregates, outbox } = subject();
      const id = freshName('k');
      await aggregates.commit(commitOf(id, 0n, 2));
      await drain(outbox);
      for (const version of [0n, 1n, 3n]) {
        await expect(aggregates.commit(commitOf(id, version, 1))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
        await expect(aggregates.commit(commitOf(id, version, 1))).rejects.toEqual(expect.objectContaining({ retryable: true }));
      }
      expect((await aggregates.load('access', id))?.version).toBe(2n);
      expect(await drain(outbox)).toEqual([]);
    });

    test('a new aggregate does not begin in the middle', async () => {
      const id = freshName('k');
      await expect(subject().aggregates.commit(commitOf(id, 1n, 1))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      expect(await subject().aggregates.load('access', id)).toBeUndefined();
    });

    test.each([0n, 1n])('of many who race for version %s, one wins', async (version) => {
      const { aggregates, outbox } = subject();
      const id = freshName('k');
      if (version > 0n) await aggregates.commit(commitOf(id, 0n, 1));
      await drain(outbox);
      const settled = await Promise.allSettled(Array.from({ length: 8 }, () => aggregates.commit(commitOf(id, version, 1))));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of settled) if (one.status === 'rejected') expect(one.reason).toEqual(operatingError('VERSION_CONFLICT'));
      expect(await drain(outbox)).toHaveLength(1);
    });
  });
}

function finding(subject: () => AggregateSubject): void {
  test('heads are found by a field of their state', async () => {
    const { aggregates } = subject();
    const [one, two, three] = [freshName('k'), freshName('k'), freshName('k')];
    const hash = freshName(`"h'%_`);
    await aggregates.commit(commitOf(one, 0n, 1, { hash, n: 1 }));
    await aggregates.commit(commitOf(two, 0n, 2, { hash, n: 2 }));
    await aggregates.commit(commitOf(three, 0n, 1, { hash: 'other', nested: { hash } }));
    const found = [...(await aggregates.find('access', 'hash', hash))].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(found).toEqual([
      { id: one, version: 1n, state: { hash, n: 1 }, tenant },
      { id: two, version: 2n, state: { hash, n: 2 }, tenant },
    ]);
    await aggregates.commit(commitOf(two, 2n, 1, { hash: 'moved on' }));
    expect((await aggregates.find('access', 'hash', hash)).map(({ id }) => id)).toEqual([one]);
    expect(await aggregates.find('stream', 'hash', hash)).toEqual([]);
    expect(await aggregates.find('access', 'absent', hash)).toEqual([]);
  });
}

function restoring(subject: () => AggregateSubject): void {
  describe('restoring', () => {
    test('inserts heads that are absent, keeps the others, and leaves the outbox alone', async () => {
      const { aggregates, outbox } = subject();
      const [old, kept] = [freshName('k'), freshName('k')];
      await aggregates.commit(commitOf(kept, 0n, 1, { kept: true }));
      await drain(outbox);
      const heads = [
        { id: old, version: 7n, state: { text: `"😀'\\`, n: [1, null] }, tenant: 'globex' },
        { id: kept, version: 9n, state: { kept: false }, tenant: 'globex' },
      ];
      expect(await aggregates.restore('access', heads)).toBe(1);
      expect(await aggregates.restore('access', heads)).toBe(0);
      expect(await aggregates.restore('access', [])).toBe(0);
      expect(await aggregates.load('access', old)).toEqual({ version: 7n, state: { text: `"😀'\\`, n: [1, null] }, tenant: 'globex' });
      expect(await aggregates.load('access', kept)).toEqual({ version: 1n, state: { kept: true }, tenant });
      expect(await drain(outbox)).toEqual([]);
      await aggregates.commit(commitOf(old, 7n, 1, { moved: true }));
      expect((await aggregates.load('access', old))?.version).toBe(8n);
    });

    test('by many at once inserts each head once', async () => {
      const heads = Array.from({ length: 300 }, (_, at) => ({ id: freshName('k'), version: BigInt(at + 1), state: { at }, tenant }));
      const counts = await Promise.all([1, 2, 3, 4].map(() => subject().aggregates.restore('access', heads)));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300);
    });

    test('is remembered per partition of a context', async () => {
      const { aggregates } = subject();
      expect(await aggregates.restoredPartitions('cache')).toEqual([]);
      for (const partition of [3, 11, 3]) await aggregates.markRestored('cache', partition);
      expect(await aggregates.restoredPartitions('cache')).toEqual([3, 11]);
      expect(await aggregates.restoredPartitions('edge')).toEqual([]);
    });
  });
}

function outboxOrder(subject: () => AggregateSubject): void {
  describe('the outbox', () => {
    test('holds the records of every commit in order, and its sequences have no gaps', async () => {
      const { aggregates, outbox } = subject();
      await drain(outbox);
      const [one, two] = [freshName('k'), freshName('st')];
      const commits: AggregateCommit[] = [
        commitOf(one, 0n, 2),
        { context: 'stream', id: two, expectedVersion: 0n, state: {}, events: [eventOf(two, 1n, 'stream')] },
        commitOf(one, 2n, 1),
      ];
      for (const commit of commits) await aggregates.commit(commit);
      const rows = await drain(outbox);
      expect(rows.map(({ topic }) => topic)).toEqual(['access', 'access', 'stream', 'access']);
      expect(rows.map(({ record }) => decodeEvent(record))).toEqual(commits.flatMap(({ events }) => events));
      const first = rows[0] as OutboxRow;
      expect(rows.map(({ sequence }) => sequence - first.sequence)).toEqual([0n, 1n, 2n, 3n]);
      const accessSequences = rows.filter(({ topic }) => topic === 'access').map(({ topicSequence }) => topicSequence - first.topicSequence);
      expect(accessSequences).toEqual([0n, 1n, 2n]);
      expect(new Set(rows.map(({ incarnation }) => incarnation)).size).toBe(1);
      expect(first.incarnation).toBeGreaterThan(0n);
    });

    test('sequences go on after rows were forgotten and commits refused', async () => {
      const { aggregates, outbox } = subject();
      const id = freshName('k');
      await aggregates.commit(commitOf(id, 0n, 1));
      const last = (await drain(outbox)).at(-1) as OutboxRow;
      await expect(aggregates.commit(commitOf(id, 0n, 3))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      await aggregates.commit(commitOf(id, 1n, 1));
      const [next] = await drain(outbox);
      expect(next).toMatchObject({ sequence: last.sequence + 1n, topicSequence: last.topicSequence + 1n, incarnation: last.incarnation });
    });

    test('sequences follow the order of commits when many commit at once', async () => {
      const { aggregates, outbox } = subject();
      await drain(outbox);
      await Promise.all(Array.from({ length: 20 }, () => aggregates.commit(commitOf(freshName('k'), 0n, 2))));
      const rows = await drain(outbox);
      const start = rows[0] as OutboxRow;
      expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, at) => start.sequence + BigInt(at)));
      expect(rows.map(({ topicSequence }) => topicSequence)).toEqual(rows.map((_, at) => start.topicSequence + BigInt(at)));
      const subjects = rows.map(({ record }) => record.key);
      expect(subjects.filter((_, at) => at % 2 === 0)).toEqual(subjects.filter((_, at) => at % 2 === 1));
    });

    test('rows stay until they are forgotten, up to the sequence and no further', async () => {
      const { aggregates, outbox } = subject();
      await drain(outbox);
      await aggregates.commit(commitOf(freshName('k'), 0n, 5));
      const rows = await outbox.take(3, 0);
      expect(rows).toHaveLength(3);
      expect(await outbox.take(3, 0)).toEqual(rows);
      await outbox.forget((rows[1] as OutboxRow).sequence);
      await outbox.forget((rows[1] as OutboxRow).sequence);
      const rest = await outbox.take(10, 0);
      expect(rest.map(({ sequence }) => sequence)).toEqual([2n, 3n, 4n].map((n) => (rows[0] as OutboxRow).sequence + n));
      await drain(outbox);
    });
  });
}

function outboxWaits(subject: () => AggregateSubject): void {
  describe('waiting for the outbox', () => {
    test('is ended by a commit', async () => {
      const { aggregates, outbox } = subject();
      await drain(outbox);
      const waiting = outbox.take(10, 30_000);
      await aggregates.commit(commitOf(freshName('k'), 0n, 1));
      expect(await waiting).toHaveLength(1);
      await drain(outbox);
    });

    test('is ended by time and by the signal, with nothing', async () => {
      const { outbox } = subject();
      await drain(outbox);
      expect(await outbox.take(10, 0)).toEqual([]);
      expect(await outbox.take(10, 20)).toEqual([]);
      const stop = new AbortController();
      const waiting = outbox.take(10, 30_000, stop.signal);
      stop.abort();
      expect(await waiting).toEqual([]);
      expect(await outbox.take(10, 30_000, stop.signal)).toEqual([]);
    });
  });
}
