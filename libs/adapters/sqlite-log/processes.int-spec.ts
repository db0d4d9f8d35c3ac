import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventLogBetweenProcesses } from '#ports/conformance';
import { SystemTime } from './fixture/system-time.ts';
import { SqliteEventLog } from './sqlite-event-log.adapter.ts';

eventLogBetweenProcesses('SqliteEventLog', {
  peer: join(import.meta.dirname, 'fixture', 'peer.js'),
  timeoutMs: 60_000,
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sqlite-peer-'));
    const path = join(folder, 'events.sqlite');
    const log = new SqliteEventLog({ path }, { clock: new SystemTime() });
    return {
      log,
      peerArguments: [path],
      dispose: async () => {
        await log.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
