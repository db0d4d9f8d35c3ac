import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../test/constellation/free-ports.ts';

const root = new URL('../../../', import.meta.url);
/**
 * The suite as npm has it: of 2021, with tests that ask for what RFC 9111 and RFC 9213 have changed since. The newer one is
 * in its repository alone (github.com/http-tests/cache-tests): `CACHE_TESTS_DIR` names a checkout of it.
 */
const published = 'http-cache-tests@0.4.5';
const unpacked = fileURLToPath(new URL('.cache/http-cache-tests-0.4.5/', root));
const runner = fileURLToPath(new URL('./run-suite.js', import.meta.url));

const run = promisify(execFile);

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

/** Where the suite's parts lie, which its versions have in other folders. */
export interface SuiteFiles {
  readonly title: string;
  /** From the repository, not from npm. */
  readonly isNewest: boolean;
  readonly folder: string;
  /** In front of `server/` and `client/`. */
  readonly engine: string;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The checkout that `CACHE_TESTS_DIR` names, or the package of npm, which is fetched at the first use. */
export async function findSuite(): Promise<SuiteFiles> {
  const own = process.env['CACHE_TESTS_DIR'];
  if (own !== undefined) {
    if (!(await isThere(join(own, 'test-engine/client/runner.mjs')))) throw new Error(`CACHE_TESTS_DIR=${own} is no checkout of http-cache-tests.`);
    return { title: 'http-cache-tests, checkout', isNewest: true, folder: join(own, '/'), engine: 'test-engine/' };
  }
  const folder = join(unpacked, 'package/');
  if (!(await isThere(join(folder, 'tests/index.mjs')))) {
    await mkdir(unpacked, { recursive: true });
    const { stdout } = await run('npm', ['pack', published, '--silent', '--pack-destination', unpacked]);
    await run('tar', ['-xzf', join(unpacked, stdout.trim()), '-C', unpacked]);
  }
  return { title: published, isNewest: false, folder, engine: '' };
}

/** The suite's own origin server, in a process of its own. */
export async function startSuiteOrigin({ folder, engine }: SuiteFiles): Promise<{ readonly port: number; stop(): void }> {
  const port = await freePort();
  const env = { ...process.env, npm_config_protocol: 'http', npm_config_port: String(port), npm_config_pidfile: '/dev/null' };
  const child: ChildProcess = spawn(process.execPath, [join(folder, engine, 'server/server.mjs')], { env, cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  await once(lines, 'line');
  return { port, stop: () => void child.kill('SIGTERM') };
}

/** Runs every test against a cache. The engine keeps its results in module state: one process a run. */
export async function runSuite({ folder, engine }: SuiteFiles, base: string): Promise<Score> {
  const child = spawn(process.execPath, ['--no-warnings', runner, folder, engine, base], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  await once(child, 'close');
  const last = out.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the suite gave no result for ${base}: ${out.slice(-500)}`);
  return JSON.parse(last) as Score;
}
