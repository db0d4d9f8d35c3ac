import { spawn } from 'node:child_process';
import { Agent, createServer, request, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { cpuSeconds, type Measured } from './processes.ts';

const body = Buffer.alloc(1024, 0x61);
const middling = Buffer.alloc(16 * 1024, 0x61);
const large = Buffer.alloc(1024 * 1024, 0x61);

/** An origin with one object of 1 KB under every path, 16 KB or 1 MB where the path says so; counts who asks. */
export class BenchOrigin {
  fetches = 0;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (asked, response) => {
      this.fetches++;
      await this.gate;
      const cached = asked.url?.includes('/private/') === true ? 'private, no-store' : 'public, max-age=3600';
      const bytes = asked.url?.includes('1m') === true ? large : asked.url?.includes('16k') === true ? middling : body;
      response.writeHead(200, { 'content-type': 'video/mp4', 'cache-control': cached, etag: '"bench"', 'content-length': bytes.length });
      response.end(bytes);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

export interface Round {
  readonly requests: number;
  readonly cpuSeconds: number;
  readonly p99Ms: number;
}

function toMs(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? '');
  if (match === null) return Number.NaN;
  return Number(match[1]) * { us: 0.001, ms: 1, s: 1000 }[match[2] as 'us' | 'ms' | 's'];
}

/** How a load generator runs: as it comes, or only while nothing else wants its core, so that a client beside it measures the server and not the generator. */
export type Manners = 'equal' | 'yielding';

/** What a load generator on a core of its own prints, and the processor time that the server took for it, s. */
async function loaded(
  server: Measured,
  core: number,
  command: readonly string[],
  manners: Manners = 'equal',
): Promise<{ readonly out: string; readonly used: number }> {
  const before = await cpuSeconds(server.pid);
  // SCHED_IDLE: whatever wakes up goes first.
  const run = manners === 'yielding' ? ['chrt', '--idle', '0', ...command] : command;
  const child = spawn('taskset', ['-c', String(core), ...run], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  await once(child, 'close');
  return { out, used: (await cpuSeconds(server.pid)) - before };
}

/** One round of h2load: 16 connections over TLS with 32 requests each at once. */
export async function h2load(server: Measured, path: string, seconds: number, core: number): Promise<Round> {
  const url = `https://127.0.0.1:${server.port}${path}`;
  const { out, used } = await loaded(server, core, ['h2load', '-t1', '-c16', '-m32', '-D', String(seconds), url]);
  const [, requests, failed] = /requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed/.exec(out) ?? [];
  if (requests === undefined || failed !== '0') throw new Error(`the server under load failed:\n${out}`);
  return { requests: Number(requests), cpuSeconds: used, p99Ms: Number.NaN };
}

/** One round of wrk: connections that are kept open, from a core of their own; a script says what is asked for, if it is not always the same. */
export async function wrk(
  server: Measured,
  path: string,
  seconds: number,
  core: number,
  scheme: 'http' | 'https' = 'http',
  script?: string,
  connections = 64,
  manners: Manners = 'equal',
): Promise<Round> {
  const url = `${scheme}://127.0.0.1:${server.port}${path}`;
  const command = ['wrk', '-t1', `-c${connections}`, `-d${seconds}`, '--latency', ...(script === undefined ? [] : ['-s', script]), url];
  const { out, used } = await loaded(server, core, command, manners);
  if (/Non-2xx|Socket errors/.test(out)) throw new Error(`the server under load failed:\n${out}`);
  const requests = Number(/(\d+) requests in/.exec(out)?.[1]);
  return { requests, cpuSeconds: used, p99Ms: toMs(/99%\s+(\S+)/.exec(out)?.[1]) };
}

/** Asks for each path once, 16 at a time, and waits for the answers. */
export async function askEach(port: number, paths: readonly string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const left = paths.values();
  const askOn = async (): Promise<void> => {
    for (const path of left) {
      const asking = request({ host: '127.0.0.1', port, path, agent }).end();
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'end');
    }
  };
  await Promise.all(Array.from({ length: 16 }, askOn));
  agent.destroy();
}

/** Opens `count` connections, then sends the same request on all at once; how many got the whole answer. */
export async function ask(port: number, path: string, count: number, sent: () => void): Promise<number> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }),
  );
  const answers = sockets.map(
    (socket) =>
      new Promise<boolean>((resolve) => {
        let got = '';
        const finish = (whole: boolean): void => (socket.destroy(), resolve(whole));
        socket.on('data', (bytes: Buffer) => {
          got += bytes.toString('latin1');
          const head = got.indexOf('\r\n\r\n');
          if (head >= 0 && got.length - head - 4 >= body.length) finish(got.startsWith('HTTP/1.1 200') && got.endsWith('aaaa'));
        });
        socket.on('error', () => finish(false));
        socket.on('close', () => finish(false));
      }),
  );
  for (const socket of sockets) socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  sent();
  return (await Promise.all(answers)).filter(Boolean).length;
}
