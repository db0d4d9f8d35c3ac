import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { nodeFlags } from '../../apps/streams/supervisor/programs.ts';
import { IngestProcess, type IngestWorld } from '../../test/interop/rtmp-ingest-process.ts';
import { NginxRtmp } from './nginx-rtmp.ts';

/** A server that publishers send to, in a process of its own. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** What publishers name, one each. */
  readonly streamNames: readonly string[];
  readonly stop: () => Promise<unknown>;
}

/** The ingest as the supervisor starts it, with streams of its own. */
export async function startIngest(world: IngestWorld, dataDir: string, publishers: number): Promise<Server> {
  const streamNames = await Promise.all(Array.from({ length: publishers }, (_, i) => world.createStream(nameOf(i))));
  const ingest = await IngestProcess.start(world.postgres.url, { STREAMS_DATA_DIR: dataDir }, nodeFlags.ingest);
  return { name: 'streams ingest', pid: ingest.pid, port: ingest.ports.rtmpPort, streamNames, stop: () => ingest.end('SIGKILL') };
}

/** A Node that reads and throws away. */
export async function startDrain(publishers: number, restMs: number): Promise<Server> {
  const main = new URL('bare-drain.main.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [...(nodeFlags.ingest ?? []), main, String(restMs)], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  const { port } = JSON.parse(line) as { port: number };
  return {
    name: 'Node that reads and throws away',
    pid: child.pid as number,
    port,
    streamNames: Array.from({ length: publishers }, (_, i) => nameOf(i)),
    stop,
  };
}

export async function startNginx(module: string, publishers: number): Promise<Server> {
  const nginx = await NginxRtmp.start(module);
  const { pid, port } = nginx;
  return { name: 'nginx-rtmp, 1 worker', pid, port, streamNames: Array.from({ length: publishers }, (_, i) => nameOf(i)), stop: () => nginx.stop() };
}

export function nameOf(i: number): string {
  return `st-aaaaaaa${String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26), 97 + Math.floor(i / 676))}`;
}
