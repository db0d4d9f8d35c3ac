import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projections } from '#read-models';
import { history } from './history.ts';
import { startProjector } from './projector-process.ts';
import { caughtUp, dumpRows, openWorld, recordAll, type World } from './world.ts';

jest.setTimeout(60_000);

const apps = ['projector', 'gateway', 'media'] as const;

describe('a platform that is led to another log', () => {
  let world: World;
  let elsewhere: string;

  beforeAll(async () => {
    world = await openWorld();
    elsewhere = await mkdtemp(join(tmpdir(), 'streams-elsewhere-'));
    await recordAll(world, history({ seed: 5, streams: 10, segments: 2 }));
  });

  afterAll(async () => {
    await world?.close();
    await rm(elsewhere, { recursive: true, force: true });
  });

  /** Starts an app as it is deployed; answers its exit code and its last words. */
  async function lastWords(app: string, dataDir: string): Promise<{ readonly code: number | null; readonly fatal: string }> {
    const main = fileURLToPath(new URL(`../../apps/${app}/main.js`, import.meta.url));
    const ports = Object.fromEntries(['GATEWAY_PORT', 'GRPC_PORT'].map((name) => [name, '0']));
    const env = { ...process.env, ...world.env, ...ports, STREAMS_DATA_DIR: dataDir, DATABASE_URL: world.databaseUrl, LOG_FORMAT: 'json' };
    const child = spawn(process.execPath, ['--no-warnings', main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      // One that starts after all must not be waited for.
      if (chunk.includes('"ready":true')) child.kill('SIGKILL');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    const lines = text.split('\n').filter((line) => line.startsWith('{'));
    const fatal = lines.map((line) => JSON.parse(line) as { level?: string; msg?: string }).find(({ level }) => level === 'fatal');
    return { code, fatal: fatal?.msg ?? '' };
  }

  test('refuses to start, names both, and leaves the read models as they are', async () => {
    const first = await startProjector(world);
    await caughtUp(world, projections);
    await first.stop();
    const rows = await dumpRows(world, projections);
    const other = new SqliteEventLog({ path: join(elsewhere, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    const [mine, theirs] = [await world.log.identity(), await other.identity()];
    await other.close();
    expect(await world.store.boundLog()).toBe(mine);

    for (const { code, fatal } of await Promise.all(apps.map((app) => lastWords(app, elsewhere)))) {
      expect(code).toBe(2);
      expect(fatal).toContain(`belongs to the event log ${mine}, but the settings lead to the event log ${theirs}`);
      expect(fatal).toContain('streams migrate-log');
    }
    expect(await dumpRows(world, projections)).toBe(rows);

    // Led back, it goes on.
    const again = await startProjector(world);
    await recordAll(world, history({ seed: 6, streams: 2, segments: 1 }));
    await caughtUp(world, projections);
    await again.stop();
  });
});
