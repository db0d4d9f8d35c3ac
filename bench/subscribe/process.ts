import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of this folder that has said what it offers. */
export interface Running<Facts> extends AsyncDisposable {
  readonly facts: Facts;
  readonly pid: number;
}

/** Starts a program of this folder; it ends when its input does. */
export async function start<Facts>(name: string, ...args: readonly string[]): Promise<Running<Facts>> {
  const program = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const facts = await new Promise<Facts>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Facts & { readonly grpc?: string };
      // Other lines are its log.
      if (said.grpc !== undefined) resolve(said);
    });
  });
  return {
    facts,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}
