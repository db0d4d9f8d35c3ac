import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/constellation/free-ports.ts';

const modules = ['/usr/lib/nginx/modules/ngx_rtmp_module.so', '/usr/share/nginx/modules/ngx_rtmp_module.so', '/usr/lib64/nginx/modules/ngx_rtmp_module.so'];

/** Where the module is; undefined when nginx-rtmp is not installed. */
export async function findNginxRtmp(): Promise<string | undefined> {
  for (const path of modules) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error('nginx did not open its port');
}

/** nginx with the RTMP module: one process that does all the work, live streams only, everything else at its default. */
export class NginxRtmp {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(module: string): Promise<NginxRtmp> {
    const folder = await mkdtemp(join(tmpdir(), 'streams-nginx-'));
    const port = await freePort();
    const conf = [
      `load_module ${module};`,
      'daemon off; master_process off; worker_processes 1;',
      `pid ${folder}/pid; error_log ${folder}/error.log;`,
      'events { worker_connections 1024; }',
      `rtmp { server { listen 127.0.0.1:${port}; application live { live on; record off; access_log off; } } }`,
    ];
    await writeFile(join(folder, 'nginx.conf'), conf.join('\n'));
    const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
    await untilOpen(port);
    return new NginxRtmp(port, child, folder);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
