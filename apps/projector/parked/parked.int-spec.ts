import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { parkedCases } from './parked.cases.fixture.ts';

parkedCases(async () => new SqliteEventLog({ path: join(await mkdtemp(join(tmpdir(), 'parked-')), 'events.sqlite') }, { clock: new SystemClock() }), 60_000);
