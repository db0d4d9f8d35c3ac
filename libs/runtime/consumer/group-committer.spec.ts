import { expect, test } from '@jest/globals';
import { topicPartitions, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { ManualClock, MemoryProjectionStore } from '#adapters/memory';
import type { ProjectionCommit } from '#ports';
import { GroupCommitter, type GroupCommitterInit } from './group-committer.ts';
import { PendingBatch } from './pending-batch.ts';

const projection: Projection<DomainEvent> = { name: 'p', version: 1, contexts: ['edge'], handles: [], ignores: [], tables: [], project: () => [] };

/** Remembers which partitions were committed together. */
class WatchedStore extends MemoryProjectionStore {
  readonly groups: number[][] = [];

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    this.groups.push(commits.map(({ at }) => at.partition));
    await super.commitTogether(commits);
  }
}

async function given(init: Partial<GroupCommitterInit> = {}): Promise<{ store: WatchedStore; committer: GroupCommitter }> {
  const store = new WatchedStore(new ManualClock());
  await store.ensure(projection);
  return { store, committer: new GroupCommitter({ projection, store, commitsMax: 2, lingerMs: 1, recordsEnough: 100, ...init }) };
}

function committing(partition: number, to = 5n, epoch = 1n): Parameters<GroupCommitter['commit']>[0] {
  const pending = new PendingBatch(projection, 0n, 100);
  pending.add([], to);
  return { at: { topic: 'edge', partition }, epoch, pending };
}

const all = Array.from({ length: topicPartitions }, (_, at) => at);

test('partitions that come at the same time are committed together', async () => {
  const { store, committer } = await given();
  const batches = await Promise.all(all.map((partition) => committer.commit(committing(partition))));
  expect(store.groups).toEqual([all]);
  expect(batches.map((batch) => batch?.to)).toEqual(all.map(() => 5n));
});

test('one that is fenced fails alone', async () => {
  const { store, committer } = await given();
  await store.claim(projection, { topic: 'edge', partition: 3 }, 9n);
  const settled = await Promise.allSettled(all.map((partition) => committer.commit(committing(partition))));
  expect(settled.map(({ status }) => status)).toEqual(all.map((at) => (at === 3 ? 'rejected' : 'fulfilled')));
  expect(settled[3]).toMatchObject({ reason: { code: 'CHECKPOINT_FENCED' } });
});

test('one that has ended is served at once: with what is left, then with nothing', async () => {
  const { committer } = await given({ lingerMs: 60_000 });
  const last = committing(0);
  last.pending.end();
  expect(await committer.commit(last)).toMatchObject({ from: 0n, to: 5n });
  expect(await committer.commit(last)).toBeUndefined();
});

test('one whose reader failed commits what came before, then fails with that', async () => {
  const { committer } = await given();
  const failing = committing(0);
  failing.pending.end({ error: new Error('unreadable') });
  expect(await committer.commit(failing)).toMatchObject({ to: 5n });
  await expect(committer.commit(failing)).rejects.toThrow('unreadable');
});
