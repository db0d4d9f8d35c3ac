import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nodeFlags } from '../../apps/streams/supervisor/programs.ts';
import type { World } from '../../test/replay/world.ts';

const program = fileURLToPath(new URL('host.main.js', import.meta.url));

/** How long a projection takes to the end of the log in a process of its own, which gets what the projector gets of Node, ms. */
export async function projectedIn(world: World, projection: string): Promise<number> {
  const env = { ...process.env, ...world.env, STREAMS_DATA_DIR: world.folder, DATABASE_URL: world.databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', ...(nodeFlags.projector ?? []), program, projection], { env });
  const said = stdout.trim().split('\n').at(-1) ?? '';
  return (JSON.parse(said) as { readonly tookMs: number }).tookMs;
}
