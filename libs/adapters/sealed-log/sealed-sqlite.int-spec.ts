import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { eventLogConformance } from '#ports/conformance';
import { SealedUnderfoot } from './fixture/sealed-underfoot.ts';

eventLogConformance('SealedEventLog over a SQLite file, sealed underfoot', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealed-log-'));
  const hot = new SqliteEventLog({ path: join(folder, 'events.sqlite') }, { clock: new SystemClock() });
  const log = new SealedUnderfoot(hot, 11);
  return {
    port: log,
    elapse: async (ms) => {
      await sleep(ms);
    },
    dispose: async () => {
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
});
