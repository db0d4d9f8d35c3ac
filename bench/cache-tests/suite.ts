import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../edge/processes.ts';

const root = new URL('../../../', import.meta.url);
/**
 * http-cache-tests (github.com/http-tests/cache-tests, BSD-3-Clause) at commit b55b8bd of 2026-07-20: its tests and their
 * engine, unchanged. The package of that name on npm is version 0.4.5 of 2021, whose tests still ask for what RFC 9111
 * and RFC 9213 have changed since.
 */
const archive = fileURLToPath(new URL('bench/cache-tests/http-cache-tests.tar.gz', root));
const unpacked = fileURLToPath(new URL('.cache/http-cache-tests-b55b8bd/', root));
const runner = fileURLToPath(new URL('./run-suite.js', import.meta.url));

export type Kind = 'required' | 'optimal' | 'check';

export interface Failure {
  readonly kind: Kind;
  readonly suite: string;
  readonly id: string;
  readonly why: string;
}

/** Passed of how many, by kind; a test counts only when those it depends on have passed, as on cache-tests.fyi. */
export interface Score {
  readonly passed: Readonly<Record<Kind, number>>;
  readonly of: Readonly<Record<Kind, number>>;
  readonly failures: readonly Failure[];
}

/** The folder of the suite; unpacked at the first use. */
export async function suiteFolder(): Promise<string> {
  const done = await access(`${unpacked}tests/index.mjs`).then(
    () => true,
    () => false,
  );
  if (done) return unpacked;
  await mkdir(unpacked, { recursive: true });
  const tar = spawn('tar', ['-xzf', archive, '-C', unpacked], { stdio: 'inherit' });
  const [code] = (await once(tar, 'exit')) as [number];
  if (code !== 0) throw new Error(`tar could not unpack ${archive}`);
  return unpacked;
}

/** The suite's own origin server, in a process of its own. */
export async function startSuiteOrigin(folder: string): Promise<{ readonly port: number; stop(): void }> {
  const port = await freePort();
  const env = { ...process.env, npm_config_protocol: 'http', npm_config_port: String(port), npm_config_pidfile: '/dev/null' };
  const child: ChildProcess = spawn(process.execPath, [`${folder}test-engine/server/server.mjs`], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  await once(lines, 'line');
  return { port, stop: () => void child.kill('SIGTERM') };
}

/** Runs every test against a cache. The engine keeps its results in module state: one process a run. */
export async function runSuite(folder: string, base: string): Promise<Score> {
  const child = spawn(process.execPath, ['--no-warnings', runner, folder, base], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  await once(child, 'close');
  const last = out.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the suite gave no result for ${base}: ${out.slice(-500)}`);
  return JSON.parse(last) as Score;
}
