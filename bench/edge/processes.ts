import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/constellation/free-ports.ts';

const root = new URL('../../../', import.meta.url);
const bun = fileURLToPath(new URL('node_modules/.bin/bun', root));
const edgeMain = fileURLToPath(new URL('dist/apps/edge/main.js', root));

/** A server that is measured: where it listens, and whose processor time counts. */
export interface Measured {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Ends a process and waits for its end. */
export async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** Keeps a process that runs on one core. */
export async function keepOn(pid: number, core: number): Promise<void> {
  await once(spawn('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' }), 'exit');
}

/** An edge on Bun with its own log, kept on one core. @param certificates a folder: then the port is that of HTTPS */
export async function startEdge(
  folder: string,
  originPort: number,
  core: number,
  certificates?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const env = {
    ...more,
    ...(certificates === undefined ? {} : { EDGE_TLS_DIR: certificates, EDGE_TLS_PORT: '0', EDGE_HTTP3: '0' }),
    PATH: process.env['PATH'],
    STREAMS_DATA_DIR: folder,
    // Clients have ports for 20,000 connections to one address of ours, so that many need several.
    STREAMS_HOST: certificates === undefined ? '127.0.0.1' : '0.0.0.0',
    EDGE_PORT: '0',
    EDGE_ORIGIN_URL: `http://127.0.0.1:${originPort}`,
    STREAMS_SUPERVISED: '1',
  };
  const child = spawn('taskset', ['-c', String(core), bun, edgeMain], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the edge ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as { ready?: boolean; port?: number; tlsPort?: number };
      if (entry.ready === true) resolve((certificates === undefined ? entry.port : entry.tlsPort) ?? 0);
    });
  });
  return { port, pid: child.pid ?? 0, stop: () => stopped(child) };
}

/** True when somebody listens. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

/** True when a program can be run here. */
export async function installed(program: string): Promise<boolean> {
  const child = spawn(program, ['-v'], { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(true));
  });
}

/**
 * nginx with proxy_cache, one worker on one core, connections to the origin kept open, other settings as its Debian package has them.
 * @param certificates a folder with `default.crt` and `default.key`: then it listens with TLS 1.3 and HTTP/2 alone
 * @param tuned for small objects: files of the cache stay open, and head and body go out in one write
 */
export async function startNginx(folder: string, originPort: number, core: number, tuned: boolean, certificates?: string): Promise<Measured> {
  const port = await freePort();
  const config = `worker_processes 1; daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; http2_max_concurrent_streams 128; keepalive_timeout 600; ${tuned ? 'sendfile off;' : 'sendfile on; tcp_nopush on;'}
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=bench:10m;
  ${tuned ? 'open_file_cache max=1000;' : ''}
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; }
  server {
    ${certificates === undefined ? `listen 127.0.0.1:${port};` : `listen 127.0.0.1:${port} ssl http2; ssl_certificate ${certificates}/default.crt; ssl_certificate_key ${certificates}/default.key; ssl_protocols TLSv1.3;`}
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache bench; proxy_cache_lock on; add_header X-Cache $upstream_cache_status; }
  }
}`;
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'nginx.conf');
  await writeFile(file, config);
  const child = spawn('taskset', ['-c', String(core), 'nginx', '-c', file, '-p', folder], { stdio: ['ignore', 'ignore', 'ignore'] });
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: see ${folder}/error.log`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { port, pid: await worker(child.pid ?? 0), stop: () => stopped(child) };
}

/** The worker among a master's children: the one that burns the time. The master listens before it has one. */
async function worker(master: number): Promise<number> {
  for (let tries = 0; tries < 250; tries++) {
    const children = (await readFile(`/proc/${master}/task/${master}/children`, 'utf8')).trim().split(' ').filter(Boolean);
    for (const pid of children) {
      if ((await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('worker process')) return Number(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('nginx has no worker process');
}

const ticksPerSecond = 100;

/** Processor time that a process has used, user and system, s. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
