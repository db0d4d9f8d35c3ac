import { setTimeout as sleep } from 'node:timers/promises';
import { Database, PostgresEventIndex, PostgresPastStore } from '#adapters/postgres';
import { contexts, type Context } from '#events';
import { projections } from '#read-models';
import { pieceEventsDefault } from '#runtime';
import { caughtUp, type World } from '../../test/replay/world.ts';

const patienceMs = 300_000;

/**
 * Until a projector has nothing left to do for a log that nobody writes to: every read model, the audit ledger, the event
 * index and the past of read models are where it ends. Else a measurement is of whatever of these is still under way.
 */
export async function settled(world: World): Promise<void> {
  const database = new Database({ url: world.databaseUrl });
  try {
    const [index, past] = [new PostgresEventIndex(database), new PostgresPastStore(database)];
    await caughtUp(world, projections);
    const since = Date.now();
    for (;;) {
      const behind = [
        ...(await behindOf(world, await world.ledger.progress(), 'the audit ledger')),
        ...(await behindOf(world, await index.positions(), 'the event index')),
        ...(await unfolded(world, past)),
      ];
      if (behind.length === 0) return;
      if (Date.now() - since > patienceMs) throw new Error(`Still behind: ${behind.slice(0, 3).join(', ')}.`);
      await sleep(250);
    }
  } finally {
    await database.close();
  }
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly position: bigint;
}

async function behindOf({ log }: World, places: readonly Place[], what: string): Promise<readonly string[]> {
  const behind: string[] = [];
  for (const topic of contexts) {
    for (const { partition, high } of await log.heads(topic)) {
      const at = places.find((place) => place.topic === topic && place.partition === partition)?.position ?? 0n;
      if (at < high) behind.push(`${what} at ${topic}/${partition}`);
    }
  }
  return behind;
}

/** Read models whose past lacks a part that is full. */
async function unfolded({ log }: World, past: PostgresPastStore): Promise<readonly string[]> {
  const identity = await log.identity();
  const cuts = new Map<Context, ReadonlyArray<{ readonly topic: string; readonly partition: number; readonly before: bigint }>>();
  for (const topic of contexts)
    cuts.set(
      topic,
      (await log.heads(topic)).map(({ partition, high }) => ({ topic, partition, before: high })),
    );
  const behind: string[] = [];
  for (const { name, version, contexts: topics } of projections) {
    for (const topic of topics as readonly Context[]) {
      const places = cuts.get(topic) ?? [];
      const chains = await past.chains({ log: identity, projection: name, version }, places);
      for (const [at, { partition, before }] of places.entries()) {
        const full = before - (before % BigInt(pieceEventsDefault));
        if ((chains[at]?.at(-1)?.next ?? 0n) < full) behind.push(`the past of ${name} at ${topic}/${partition}`);
      }
    }
  }
  return behind;
}
