import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchOrigin } from './edge/load.ts';
import { freePort } from '../test/constellation/free-ports.ts';
import { accepts, startEdge, stopped, type Measured } from './edge/processes.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const serverCore = 0;
const sizes = ['1k', '16k', '1m'] as const;

async function startRedis(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const child = spawn('redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  child.on('error', () => undefined);
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error('redis-server does not start: apt-get install redis-server.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { url: `redis://127.0.0.1:${port}`, stop: () => stopped(child) };
}

/** How long one answer took, ms, and where it came from. */
async function ask({ port }: Measured, path: string, agent: Agent): Promise<{ readonly tookMs: number; readonly status: string }> {
  const startedMs = performance.now();
  const asking = request({ host: '127.0.0.1', port, path, agent }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return { tookMs: performance.now() - startedMs, status: String(answer.headers['cache-status']) };
}

async function measure(context: BenchContext): Promise<void> {
  const objects = context.quick ? 200 : 1000;
  const folder = await mkdtemp(join(tmpdir(), 'bench-edge-shared-'));
  const origin = new BenchOrigin();
  const redis = await startRedis();
  const edges: Measured[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const originPort = await origin.listen();
    for (const id of ['edge-1', 'edge-2'])
      edges.push(
        await startEdge(folder, originPort, serverCore, undefined, {
          EDGE_ID: id,
          EDGE_SHARED_URL: redis.url,
          EDGE_SHARED_OBJECT_KB: '2048',
          EDGE_MEMORY_MB: '1024',
        }),
      );
    const [first, second] = edges as [Measured, Measured];
    context.row(`one request after the other, ${objects} of each`, 'p50 ms', 'p99 ms');
    for (const size of sizes) {
      const count = size === '1m' ? objects / 10 : objects;
      const took = { tier: [] as number[], origin: [] as number[], memory: [] as number[] };
      for (let at = 0; at < count; at++) await ask(first, `/${size}/shared/${at}`, agent);
      for (let at = 0; at < count; at++) {
        const shared = await ask(second, `/${size}/shared/${at}`, agent);
        if (shared.status.includes('shared-tier')) took.tier.push(shared.tookMs);
        took.origin.push((await ask(second, `/${size}/origin/${at}`, agent)).tookMs);
        took.memory.push((await ask(second, `/${size}/shared/${at}`, agent)).tookMs);
      }
      for (const [name, ms] of [
        ['from the shared tier', took.tier],
        ['from an origin on this machine', took.origin],
        ['from memory', took.memory],
      ] as const)
        context.row(`${size}, ${name}`, quantile(ms, 0.5), quantile(ms, 0.99));
      const share = took.tier.length / count;
      context.bar(`edge.shared.${size}.share`, share, 'of what another edge had', '>= 0.99', share >= 0.99);
      const ratio = quantile(took.tier, 0.5) / quantile(took.origin, 0.5);
      context.bar(`edge.shared.${size}.ratio`, ratio, 'x an origin on this machine, p50', '<= 1', ratio <= 1);
    }
  } finally {
    agent.destroy();
    for (const edge of edges) await edge.stop();
    await redis.stop();
    origin.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  name: 'edge-shared',
  summary: 'objects that another edge keeps in the shared tier (redis-server), beside the same from an origin on this machine and from memory',
  run: measure,
};
