import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { freePort } from '../../test/constellation/free-ports.ts';
import { accepts, stopped, type Measured } from '../edge/processes.ts';

async function listening(program: string, args: readonly string[], port: number): Promise<Measured> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { port, pid: child.pid ?? 0, stop: () => stopped(child) };
}

/** nginx as the suite's own configuration has it. */
export async function startNginxPeer(folder: string, originPort: number): Promise<Measured> {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const file = `${folder}/nginx.conf`;
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  await writeFile(
    file,
    `worker_processes 1; daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; ${paths} proxy_cache_path ${folder}/cache levels=1:2 keys_zone=my-cache:8m max_size=1000m inactive=600m;
  server { listen 127.0.0.1:${port}; location / {
    proxy_pass http://127.0.0.1:${originPort}; proxy_cache my-cache; proxy_cache_revalidate on; proxy_http_version 1.1; } } }`,
  );
  return listening('nginx', ['-c', file, '-p', folder], port);
}

/** Varnish with the settings under which it scores best: no lifetime, and no stale answer, that the origin did not give. */
export async function startVarnishPeer(folder: string, originPort: number): Promise<Measured> {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const settings = ['default_ttl=0', 'default_grace=0', 'default_keep=3600'].flatMap((setting) => ['-p', setting]);
  const args = ['-F', '-n', `${folder}/varnish`, '-a', `127.0.0.1:${port}`, '-b', `127.0.0.1:${originPort}`, '-s', 'malloc,64m', '-T', 'none', ...settings];
  return listening('varnishd', args, port);
}

export async function runnable(program: string): Promise<boolean> {
  const child = spawn(program, ['-V'], { stdio: 'ignore' });
  return Promise.race([once(child, 'error').then(() => false), once(child, 'exit').then(() => true)]);
}
