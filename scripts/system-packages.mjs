#!/usr/bin/env node
// Usage: node scripts/system-packages.mjs [--for test|bench] [--install]
// The programs that no npm package brings. Lists what is missing with the command that installs it; --install runs that
// command where it may (root, or sudo without a password). Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const onPath = (...names) => names.flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))).find(isExecutable);

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Chromium as the system has it, or as Playwright has downloaded it. On Ubuntu `chromium-browser` is only a stub for snap. */
export function findChromium() {
  const own = process.env.CHROMIUM_PATH;
  if (own) return own;
  const system = onPath('chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser');
  if (system && spawnSync(system, ['--version'], { timeout: 20_000 }).status === 0) return system;
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache/ms-playwright');
  const versions = existsSync(cache)
    ? readdirSync(cache)
        .filter((name) => /^chromium-\d+$/.test(name))
        .sort()
        .reverse()
    : [];
  return versions.flatMap((name) => ['chrome-linux', 'chrome-linux64'].map((folder) => join(cache, name, folder, 'chrome'))).find(isExecutable);
}

/** On Ubuntu `firefox` may be a stub for snap. */
function findFirefox() {
  const own = process.env.FIREFOX;
  if (own) return own;
  const system = onPath('firefox-esr', 'firefox');
  return system && spawnSync(system, ['--version'], { timeout: 20_000, stdio: 'ignore' }).status === 0 ? system : undefined;
}

function findNginxRtmp() {
  const nginx = onPath('nginx') ?? ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find(isExecutable);
  const modules = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules', '/usr/lib64/nginx/modules'];
  return nginx && modules.some((folder) => existsSync(join(folder, 'ngx_rtmp_module.so'))) ? nginx : undefined;
}

function findFont() {
  const found = spawnSync('fc-match', ['-f', '%{file}', 'sans'], { encoding: 'utf8' });
  return found.status === 0 && existsSync(found.stdout) ? found.stdout : undefined;
}

/** With every plugin that the tests' pipelines name. */
function findGstreamer() {
  const inspect = onPath('gst-inspect-1.0');
  const plugins = ['rtmp2sink', 'flvmux', 'x264enc', 'avenc_aac', 'hlsdemux2'];
  const has = (plugin) => spawnSync(inspect, ['--exists', plugin], { stdio: 'ignore', timeout: 20_000 }).status === 0;
  return inspect && plugins.every(has) ? onPath('gst-launch-1.0') : undefined;
}

/** Java 17 or newer, for the Kafka of the tests. */
function findJava() {
  const java = onPath('java');
  if (java === undefined) return undefined;
  const version = /version "(\d+)/.exec(spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr ?? '')?.[1];
  return Number(version) >= 17 ? java : undefined;
}

/** Where programs go that Go builds from source. */
const goFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'streams-tools/bin');
const versitygwModule = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const h2specModule = 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible';
const http3ClientModule = 'github.com/quic-go/quic-go/example/client@v0.65.0';
const grpcurlModule = 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4';

/** The S3 server of tests and benchmarks. */
export function findVersitygw() {
  return onPath('versitygw') ?? [join(goFolder, 'versitygw')].find(isExecutable);
}

/** The gRPC client of the tests that is not ours. */
export function findGrpcurl() {
  return onPath('grpcurl') ?? [join(goFolder, 'grpcurl')].find(isExecutable);
}

/** The conformance suite of HTTP/2. */
export function findH2spec() {
  return onPath('h2spec') ?? [join(goFolder, 'h2spec')].find(isExecutable);
}

/** A client of HTTP/3 that is not Chromium's: quic-go's own example, which is called "client". */
export function findHttp3Client() {
  return [join(goFolder, 'client')].find(isExecutable);
}

export function findTestssl() {
  return onPath('testssl', 'testssl.sh');
}

const findGo = () => onPath('go') ?? ['/usr/local/go/bin/go'].find(isExecutable);

function hasDocker() {
  return onPath('docker') !== undefined && spawnSync('docker', ['info'], { timeout: 10_000, stdio: 'ignore' }).status === 0;
}

/** An engine that tests reach by URL, or start out of Docker, needs no program of this machine. */
const elsewhere = (variable) => process.env[variable] ?? (hasDocker() ? 'out of Docker' : undefined);

/** Builds a program from the Go module proxy: there is no package of it. */
function buildByGo(module) {
  const go = findGo();
  if (go) spawnSync(go, ['install', module], { env: { ...process.env, GOBIN: goFolder, GOTOOLCHAIN: 'auto' }, stdio: 'ignore', timeout: 900_000 });
}

/**
 * Each program: who needs it, the package of Debian and Ubuntu, and where it is (undefined: nowhere). `build` follows the
 * packages where there is none of the program itself; `hint` is the command that does the same.
 */
export const tools = [
  { name: 'ffmpeg', for: ['test', 'bench'], packages: ['ffmpeg'], find: () => onPath('ffmpeg') },
  { name: 'font', for: ['test', 'bench'], packages: ['fontconfig', 'fonts-dejavu-core'], find: findFont },
  { name: 'chromium', for: ['test', 'bench'], packages: ['chromium'], find: findChromium },
  { name: 'firefox', for: ['test'], packages: ['firefox-esr'], find: findFirefox },
  { name: 'java', for: ['test', 'bench'], packages: ['openjdk-17-jre-headless'], find: findJava },
  { name: 'maven', for: ['test', 'bench'], packages: ['maven'], find: () => onPath('mvn') },
  {
    name: 'go',
    for: ['test', 'bench'],
    packages: ['golang-go'],
    find: () => (findGrpcurl() && findH2spec() && findHttp3Client() && (elsewhere('S3_ENDPOINT') ?? findVersitygw())) || findGo(),
  },
  {
    name: 's3',
    for: ['test', 'bench'],
    packages: [],
    find: () => findVersitygw() ?? elsewhere('S3_ENDPOINT'),
    build: () => buildByGo(versitygwModule),
    hint: `GOBIN=${goFolder} go install ${versitygwModule}`,
  },
  {
    name: 'grpcurl',
    for: ['test'],
    packages: [],
    find: findGrpcurl,
    build: () => buildByGo(grpcurlModule),
    hint: `GOBIN=${goFolder} go install ${grpcurlModule}`,
  },
  {
    name: 'h2spec',
    for: ['test'],
    packages: [],
    find: findH2spec,
    build: () => buildByGo(h2specModule),
    hint: `GOBIN=${goFolder} go install ${h2specModule}`,
  },
  {
    name: 'http3',
    for: ['test'],
    packages: [],
    find: findHttp3Client,
    build: () => buildByGo(http3ClientModule),
    hint: `GOBIN=${goFolder} go install ${http3ClientModule}`,
  },
  { name: 'redis', for: ['test', 'bench'], packages: ['redis-server'], find: () => onPath('redis-server', 'valkey-server') ?? elsewhere('REDIS_URL') },
  { name: 'kcat', for: ['test'], packages: ['kcat'], find: () => onPath('kcat') },
  // A real OBS Studio publishes to us under a display that nobody sees.
  { name: 'obs', for: ['test'], packages: ['obs-studio', 'xvfb', 'libgl1-mesa-dri'], find: () => onPath('Xvfb') && onPath('obs') },
  {
    name: 'gstreamer',
    for: ['test'],
    packages: ['gstreamer1.0-tools', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad', 'gstreamer1.0-plugins-ugly', 'gstreamer1.0-libav'],
    find: findGstreamer,
  },
  { name: 'mpv', for: ['test'], packages: ['mpv'], find: () => onPath('mpv') },
  { name: 'openssl', for: ['test'], packages: ['openssl'], find: () => onPath('openssl') },
  // Ubuntu and Debian call the program without its ending, its authors with it.
  { name: 'testssl', for: ['test'], packages: ['testssl.sh'], find: findTestssl },
  { name: 'nginx', for: ['bench'], packages: ['nginx', 'libnginx-mod-rtmp'], find: findNginxRtmp },
  { name: 'wrk', for: ['bench'], packages: ['wrk'], find: () => onPath('wrk') },
  { name: 'h2load', for: ['bench'], packages: ['nghttp2-client'], find: () => onPath('h2load') },
];

export function missingTools(purpose) {
  return tools.filter((tool) => tool.for.includes(purpose) && tool.find() === undefined);
}

export function installCommand(missing) {
  const packages = missing.flatMap((tool) => tool.packages);
  const apt = packages.length > 0 ? [`apt-get install -y --no-install-recommends ${packages.join(' ')}`] : [];
  return [...apt, ...missing.flatMap((tool) => tool.hint ?? [])].join(' && ');
}

/** The words in front of apt-get, or undefined when this user may not install. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

/** Installs what it can, and answers what is still missing. */
export function installTools(purpose, say) {
  const missing = missingTools(purpose);
  const packaged = missing.filter((tool) => tool.packages.length > 0);
  const front = packaged.length > 0 && onPath('apt-get') ? privilege() : undefined;
  const able = missing.filter((tool) => tool.build !== undefined || (front !== undefined && packaged.includes(tool)));
  if (able.length === 0) return missing;
  say(`Installing ${able.map((tool) => tool.name).join(', ')} …`);
  if (front !== undefined) installPackages(packaged, front);
  for (const tool of missing) tool.build?.();
  return missingTools(purpose);
}

function installPackages(missing, front) {
  // A package's service must not start and take a port of this machine: only the program is wanted.
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args) =>
    spawnSync(front[0] ?? 'apt-get', [...(front.length > 0 ? [...front.slice(1), '-E', 'apt-get'] : []), '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: environment,
      stdio: 'ignore',
    });
  apt('update');
  // One by one: a package that this system does not have must not keep the others out.
  for (const tool of missing) apt('install', '-y', '--no-install-recommends', ...tool.packages);
  if (missing.some((tool) => tool.name === 'chromium') && findChromium() === undefined) downloadChromium(front);
}

/** Ubuntu has Chromium only as a snap: take Playwright's build, with the libraries it needs. */
function downloadChromium(front) {
  const cli = new URL('../node_modules/playwright-core/cli.js', import.meta.url).pathname;
  if (!existsSync(cli)) return;
  spawnSync(front[0] ?? process.execPath, [...(front.length > 0 ? [...front.slice(1), process.execPath] : []), cli, 'install-deps', 'chromium'], {
    stdio: 'ignore',
  });
  spawnSync(process.execPath, [cli, 'install', 'chromium'], { stdio: 'ignore' });
}

function main(args) {
  const purpose = args.includes('--for') ? args[args.indexOf('--for') + 1] : 'bench';
  const say = (line) => process.stdout.write(`${line}\n`);
  const missing = args.includes('--install') ? installTools(purpose, say) : missingTools(purpose);
  for (const tool of tools.filter((one) => one.for.includes(purpose))) say(`${tool.name.padEnd(10)} ${tool.find() ?? 'missing'}`);
  if (missing.length > 0) say(`\nInstall what is missing with:\n  sudo ${installCommand(missing)}`);
  process.exitCode = missing.length > 0 ? 1 : 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
