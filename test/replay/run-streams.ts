import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { World } from './world.ts';

const cli = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command line on the engines of a world. */
export async function runStreams(world: World, more: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> {
  const env = { ...process.env, ...world.env, ...more, STREAMS_DATA_DIR: world.folder, DATABASE_URL: world.databaseUrl };
  const child = spawn(process.execPath, ['--no-warnings', cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, out, err };
}
