import { hasDocker, startContainer } from './container.ts';
import type { LocalEngine } from './engine.ts';
import { onPath } from './programs.ts';
import { freePort } from '../free-ports.ts';
import { ServerProcess } from './server-process.ts';

/** No two engines of one machine are confused: a client without the password is refused. */
const password = 'constellation';

export interface RedisEngineInit {
  /** Files of a server that speaks TLS alone; always one of this machine. */
  readonly tls?: { readonly key: string; readonly certificate: string };
}

/** A Redis: from REDIS_URL, else out of Docker, else the system's redis-server (or valkey-server) on a free port. */
export async function startRedis({ tls }: RedisEngineInit = {}): Promise<LocalEngine> {
  if (tls !== undefined)
    return startLocal('rediss', (port) => [
      '--port',
      '0',
      '--tls-port',
      port,
      '--tls-cert-file',
      tls.certificate,
      '--tls-key-file',
      tls.key,
      '--tls-auth-clients',
      'no',
    ]);
  const given = process.env['REDIS_URL'];
  if (given) return engineOf(given, { stop: () => Promise.resolve(), restart: () => Promise.reject(new Error('REDIS_URL names a server that is not ours.')) });
  if (!hasDocker()) return startLocal('redis', (port) => ['--port', port]);
  const container = await startContainer({ image: 'valkey/valkey:8-alpine', port: 6379, command: ['valkey-server', '--requirepass', password] });
  return engineOf(`redis://:${password}@${container.host}:${container.port}`, container);
}

async function startLocal(scheme: string, listen: (port: string) => readonly string[]): Promise<LocalEngine> {
  const command = onPath('redis-server', 'valkey-server');
  if (command === undefined) throw new Error('There is no Redis: install the package redis-server, or set REDIS_URL.');
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', ...listen(String(port)), '--requirepass', password, '--save', '', '--appendonly', 'no'];
  return engineOf(`${scheme}://:${password}@127.0.0.1:${port}`, await ServerProcess.start({ command, args, port }));
}

function engineOf(url: string, server: Pick<LocalEngine, 'stop' | 'restart'>): LocalEngine {
  return { url, env: { REDIS_URL: url }, stop: () => server.stop(), restart: (downMs) => server.restart(downMs) };
}
