import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  /** `host:port` of its gRPC server, where it has one. */
  readonly grpc: string;
  /** Of its whole life so far, user and system. */
  cpuSeconds(): number;
}

const dist = fileURLToPath(new URL('../../', import.meta.url));

/** `/proc/<pid>/stat`, fields 14 and 15, in ticks of 10 ms. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Starts a compiled program that says `"ready":true` and its `url` in a line of JSON. */
export async function startServer(program: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--no-warnings', dist + program, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const ready = await new Promise<{ url: string; grpcPort?: number }>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"ready":true')) resolve(JSON.parse(line) as { url: string; grpcPort?: number });
    });
    void exited.then(() => reject(new Error(`${program} ended before it was ready`)));
  });
  return {
    url: ready.url,
    grpc: `127.0.0.1:${ready.grpcPort ?? 0}`,
    cpuSeconds: () => cpuSecondsOf(child.pid as number),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
