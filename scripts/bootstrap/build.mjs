import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { files, fingerprint, stampMatches, writeStamp } from './fingerprint.mjs';
import { lockHash } from './install.mjs';
import { at, dist, nodeBinary, root } from './paths.mjs';
import { PlainError, say, sentenceFor } from './say.mjs';

const sourceFolders = ['libs', 'apps', 'test', 'bench', 'scripts', 'migrations'];
const consoleFolder = at('apps/console');
/** Plain TypeScript that tests import, too. */
const consoleModel = join(consoleFolder, 'src/model');
/** What the console takes from the SDK. */
const sseFolder = at('libs/sdk/sse');

const targets = [
  {
    name: 'TypeScript',
    stamp: join(dist, '.stamp-typescript'),
    print: () => `${fingerprint([...sources(), at('tsconfig.json')])} ${lockHash()}`,
    complete: () => existsSync(join(dist, '.tsbuildinfo')),
    build: compile,
  },
  {
    name: 'console',
    stamp: join(dist, '.stamp-console'),
    print: () => `${fingerprint([...files(consoleFolder, () => true), ...files(sseFolder, () => true)])} ${lockHash()}`,
    complete: () => existsSync(join(dist, 'console/index.html')),
    absent: () => !existsSync(join(consoleFolder, 'index.html')),
    build: bundleConsole,
  },
];

function* sources() {
  for (const folder of sourceFolders)
    yield* files(at(folder), (path) => path.endsWith('.ts') && (!path.startsWith(consoleFolder) || path.startsWith(consoleModel)));
}

export function isBuilt() {
  return targets.every(isFresh);
}

function isFresh(target) {
  return target.absent?.() || (target.complete() && stampMatches(target.stamp, target.print()));
}

/** Builds what is stale, the targets side by side. */
export async function build() {
  const stale = targets.filter((target) => !isFresh(target));
  if (stale.length === 0) return;
  const begun = Date.now();
  say(`Building ${stale.map((target) => target.name).join(' and ')} …`);
  mkdirSync(dist, { recursive: true });
  // The print is taken before the build: what is written meanwhile is stale the next time.
  const results = await Promise.allSettled(
    stale.map(async (target) => {
      const print = target.print();
      await target.build();
      writeStamp(target.stamp, print);
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  say(`Built (${((Date.now() - begun) / 1000).toFixed(1)} s).`);
}

async function compile() {
  // Without outputs the compiler's own record of them would make it write nothing.
  if (!existsSync(join(dist, 'libs'))) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  await tool('TypeScript', [at('node_modules/typescript/bin/tsc'), '--pretty', String(Boolean(process.stderr.isTTY))]);
  removeOrphans();
}

/** A test whose source is gone must not run on. */
function removeOrphans() {
  for (const folder of sourceFolders) {
    for (const output of files(join(dist, folder), (path) => /\.js(\.map)?$/.test(path))) {
      if (!existsSync(at(relative(dist, output).replace(/\.js(\.map)?$/, '.ts')))) rmSync(output);
    }
  }
}

async function bundleConsole() {
  const output = join(dist, 'console');
  await tool('console', [at('node_modules/vite/bin/vite.js'), 'build', consoleFolder, '--outDir', output, '--emptyOutDir', '--logLevel', 'warn']);
}

function tool(name, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeBinary, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => {
      output = (output + chunk).slice(-50_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(failure(name, output))));
  });
}

function failure(name, output) {
  const sentence = /ENOSPC|EACCES|EROFS|EPERM/.test(output) ? sentenceFor(output, dist) : undefined;
  return new PlainError(sentence ?? `${output.trim()}\nThe build of ${name} failed.`);
}
