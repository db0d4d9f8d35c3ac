import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { World } from './world.ts';

const main = fileURLToPath(new URL('../../apps/projector/main.js', import.meta.url));

export interface ProjectorProcess {
  readonly pid: number;
  /** What it has logged so far. */
  readonly lines: readonly string[];
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Ends it as its supervisor would, and waits for it. */
  stop(): Promise<void>;
}

/** The real projector as its own process, ready to work. It ends with this process. */
export async function startProjector(
  world: Pick<World, 'folder' | 'databaseUrl'> & Partial<Pick<World, 'env'>>,
  id = 'projector-1',
): Promise<ProjectorProcess> {
  const env = {
    ...process.env,
    // Histories are of one moment in the past, whenever they are played.
    PLAYBACK_KEEP_HOURS: '87600',
    REFUSAL_KEEP_HOURS: '87600',
    PURGE_KEEP_HOURS: '87600',
    TRAFFIC_KEEP_HOURS: '87600',
    TRAFFIC_KEEP_DAYS: '3650',
    POPULARITY_KEEP_HOURS: '87600',
    BROWSE_KEEP_HOURS: '87600',
    ...world.env,
    STREAMS_DATA_DIR: world.folder,
    DATABASE_URL: world.databaseUrl,
    STREAMS_SUPERVISED: '1',
    PROJECTOR_ID: id,
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  };
  const child = spawn(process.execPath, ['--no-warnings', main], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const seen: string[] = [];
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      seen.push(line);
      if (line.includes('"ready":true')) resolve();
    });
    void exited.then(() => reject(new Error(`The projector ended before it was ready:\n${seen.slice(-5).join('\n')}`)));
  });
  return {
    pid: child.pid as number,
    lines: seen,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      // One that a test has put to sleep cannot end.
      child.kill('SIGCONT');
      child.stdin.end();
      await exited;
    },
  };
}
