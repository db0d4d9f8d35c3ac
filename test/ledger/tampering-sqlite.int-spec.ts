import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { SqliteForger } from './sqlite-forger.ts';
import { overwrite } from './overwrite.ts';
import { tampering } from './tampering.ts';

tampering('the file of the embedded log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tampering-'));
  const path = join(folder, 'events.sqlite');
  let log = new SqliteEventLog({ path }, { clock: new SystemClock() });
  return {
    log,
    alterLive: (_where, _number, from, to) => overwrite(path, from, to),
    attack: async (work) => {
      await log.close();
      work(new SqliteForger(path));
      log = new SqliteEventLog({ path }, { clock: new SystemClock() });
      return log;
    },
    close: async () => {
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
});
