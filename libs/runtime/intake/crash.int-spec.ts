import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Database, PostgresLeaseStore, PostgresPublicationStore } from '#adapters/postgres';
import { SystemClock } from '#adapters/system';
import { topicPartitions } from '#events';
import { Prng } from '#kernel';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { openWorld, type World } from '../../../test/replay/world.ts';
import { crashCaller, crashEvent } from './fixture/crash-event.ts';
import type { CrashPoint } from './fixture/crash-publisher.ts';
import { LogEventIntake } from './log-event-intake.ts';

const main = fileURLToPath(new URL('fixture/crash-publisher.js', import.meta.url));
const clock = new SystemClock();

let world: World;
let database: Database;
let intake: LogEventIntake;

beforeAll(async () => {
  world = await openWorld();
  database = new Database({ url: world.databaseUrl });
  const deps = { log: world.log, publications: new PostgresPublicationStore(database), leases: new PostgresLeaseStore(database), clock };
  intake = new LogEventIntake({ owner: 'survivor', patienceMs: 30_000 }, { ...deps, logger: pino({ level: 'silent' }) });
}, 60_000);

afterAll(async () => {
  await intake.stop();
  await database.close();
  await world.close();
});

function publisher(point: CrashPoint, first: number, count: number): ChildProcess {
  const args = ['--no-warnings', main, join(world.folder, 'log', 'events.sqlite'), world.databaseUrl, point, String(first), String(count)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** How often each id stands on the log. */
async function copies(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let partition = 0; partition < topicPartitions; partition++) {
    for (let from = 0n; ;) {
      const { records, next } = await world.log.read('content', partition, from, { recordsMax: 5_000, bytesMax: 1e9, waitMs: 0 });
      for (const { headers } of records) counts.set(headers['ce_id'] ?? '', (counts.get(headers['ce_id'] ?? '') ?? 0) + 1);
      if (next === from) break;
      from = next;
    }
  }
  return counts;
}

async function publishAll(first: number, count: number): Promise<readonly boolean[]> {
  const outcomes = await intake.publish(
    Array.from({ length: count }, (_, at) => crashEvent(first + at)),
    crashCaller,
    { together: true },
  );
  expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
  return outcomes.map((outcome) => outcome.accepted && outcome.duplicate);
}

describe('a gateway that is killed', () => {
  test.each<[CrashPoint, number, boolean]>([
    ['before append', 0, false],
    ['after append', 1_000, true],
  ])(
    '%s: whoever publishes the same events again finds out, and each is there once',
    async (point, first, written) => {
      const child = publisher(point, first, 10);
      await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      expect([...(await copies()).keys()].filter((id) => id === `crash-${first}`)).toHaveLength(written ? 1 : 0);
      expect(await publishAll(first, 10)).toEqual(Array.from({ length: 10 }, () => written));
      const counts = await copies();
      for (let n = first; n < first + 10; n++) expect(counts.get(`crash-${n}`)).toBe(1);
    },
    60_000,
  );

  test('at any moment, two at once with the same ids, again and again: nothing is lost or doubled', async () => {
    const dice = new Prng(4);
    const [first, count] = [10_000, 200];
    const start = () => publisher('never', first, count);
    const alive = [start(), start()];
    for (let round = 0; round < 8; round++) {
      const at = round % 2;
      const one = alive[at] as ChildProcess;
      // Once it is at work, so that the kill meets it there.
      await once(one.stdout as NonNullable<ChildProcess['stdout']>, 'data');
      await sleep(dice.nextInteger(0, 40));
      one.kill('SIGKILL');
      await once(one, 'exit');
      alive[at] = start();
    }
    for (const one of alive) {
      one.kill('SIGKILL');
      if (one.exitCode === null && one.signalCode === null) await once(one, 'exit');
    }
    await publishAll(first, count);
    const counts = await copies();
    for (let n = first; n < first + count; n++) expect(counts.get(`crash-${n}`)).toBe(1);
  }, 120_000);
});
