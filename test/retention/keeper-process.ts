import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { KillPoint } from './kill-points.ts';

const main = fileURLToPath(new URL('dying-keeper.main.js', import.meta.url));

export interface KeeperProcess {
  /** The signal that ended it; null when it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>;
  stop(): Promise<void>;
}

/** @param env where the engines are */
export function startKeeper(env: Readonly<Record<string, string>>, killAt?: KillPoint): KeeperProcess {
  const child = spawn(process.execPath, ['--no-warnings', main], {
    env: { ...process.env, ...env, ...(killAt === undefined ? {} : { KILL_AT: killAt }) },
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return {
    ended: exited.then(([, signal]) => signal),
    async stop() {
      child.stdin?.end();
      await exited;
    },
  };
}
