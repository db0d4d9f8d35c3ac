import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventLogConformance } from '#ports/conformance';
import { SystemTime } from './fixture/system-time.ts';
import { SqliteEventLog } from './sqlite-event-log.adapter.ts';

eventLogConformance('SqliteEventLog', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sqlite-log-'));
  const log = new SqliteEventLog({ path: join(folder, 'log', 'events.sqlite') }, { clock: new SystemTime() });
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
