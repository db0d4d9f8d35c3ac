import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { root } from '../streams.config.ts';
import { exitCodes } from '../streams.errors.ts';

/** Runs one edge in front of any origin until it is told to stop; its exit code. Needs no platform, and starts none. */
export async function runEdgeAlone(config: string): Promise<number> {
  const program = join(root, 'node_modules/bun/bin/bun.exe');
  const child = spawn(program, [join(root, 'dist/apps/edge/alone/alone.main.js'), resolve(config)], { stdio: 'inherit' });
  // Ctrl-C reaches the edge by itself, which ends well; so this waits for it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? exitCodes.failed;
}
