import { hasDocker, startContainer } from './container.ts';
import type { LocalEngine } from './engine.ts';
import { onPath } from './programs.ts';
import { freePort, ServerProcess } from './server-process.ts';

/** No two engines of one machine are confused: a client without the password is refused. */
const password = 'constellation';

/** A Redis: from REDIS_URL, else out of Docker, else the system's redis-server (or valkey-server) on a free port. */
export async function startRedis(): Promise<LocalEngine> {
  const given = process.env['REDIS_URL'];
  if (given) return engineOf(given, { stop: () => Promise.resolve(), restart: () => Promise.reject(new Error('REDIS_URL names a server that is not ours.')) });
  if (hasDocker()) {
    const container = await startContainer({ image: 'valkey/valkey:8-alpine', port: 6379, command: ['valkey-server', '--requirepass', password] });
    return engineOf(`redis://:${password}@${container.host}:${container.port}`, container);
  }
  const command = onPath('redis-server', 'valkey-server');
  if (command === undefined) throw new Error('There is no Redis: install the package redis-server, or set REDIS_URL.');
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--requirepass', password, '--save', '', '--appendonly', 'no'];
  return engineOf(`redis://:${password}@127.0.0.1:${port}`, await ServerProcess.start({ command, args, port }));
}

function engineOf(url: string, server: Pick<LocalEngine, 'stop' | 'restart'>): LocalEngine {
  return { url, env: { REDIS_URL: url }, stop: () => server.stop(), restart: (downMs) => server.restart(downMs) };
}
