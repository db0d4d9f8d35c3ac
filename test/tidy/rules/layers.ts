import { dirname, join } from 'node:path/posix';
import { object, type Rule } from '../project.ts';
import type { Import, SourceFile } from '../source-file.ts';

/** A room of the house: `libs/core/hls`, `libs/kernel`, `apps/edge`, `test`. */
export function unitOf(path: string): string {
  const parts = path.split('/');
  if (parts[0] === 'libs') return ['core', 'domain', 'adapters'].includes(parts[1] ?? '') ? parts.slice(0, 3).join('/') : parts.slice(0, 2).join('/');
  return parts[0] === 'apps' ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

const kernel = 'libs/kernel';
const events = 'libs/events';
const ports = 'libs/ports';

/** DESIGN.md, section 3: who may import whom. A trailing slash stands for every room below. */
const allowed: ReadonlyArray<readonly [unit: string, mayImport: readonly string[]]> = [
  ['libs/kernel', []],
  ['libs/events', [kernel]],
  ['libs/core/', [kernel]],
  ['libs/ports', [kernel, events]],
  ['libs/domain/', [kernel, events, 'libs/core/']],
  ['libs/read-models', [kernel, events, 'libs/domain/']],
  ['libs/adapters/', [kernel, events, ports]],
  ['libs/runtime', [kernel, events, ports]],
  ['libs/sdk', [kernel, events]],
  ['libs/sim', [kernel, events, ports, 'libs/adapters/memory']],
  ['migrations', [kernel]],
  ['apps/', ['libs/', 'migrations']],
  ['bench', ['libs/', 'apps/', 'migrations', 'test']],
  ['scripts', ['libs/']],
  ['test', ['libs/', 'apps/', 'migrations', 'scripts', 'bench']],
];

/** Codecs that stand on others, and the two adapters that bring other adapters along; each with its reason. */
const declared: Readonly<Record<string, readonly string[]>> = {
  'libs/core/rtmp': ['libs/core/flv'], // RTMP messages carry FLV tag bodies
  'libs/core/hls': ['libs/core/fmp4'], // playlists name fragments
  'libs/core/cmaf': ['libs/core/flv', 'libs/core/fmp4'], // the source rung is remuxed
  'libs/core/scte35': ['libs/core/mpegts'], // splice sections are sections of transport streams
  'libs/core/mpegts': ['libs/core/flv', 'libs/core/fmp4'], // transport streams are made of segments
  'libs/core/ffmpeg-plan': ['libs/core/hls'], // a plan names its renditions
  'libs/adapters/engines': ['libs/adapters/'], // picks adapters by settings, for every app
  'libs/adapters/postgres': ['migrations'], // its tables are made by them
  'libs/adapters/sealed-log': ['libs/core/ledger'], // a sealed segment carries its range of the tree
  'libs/adapters/ledger': ['libs/core/ledger'], // keys and files of the ledger, for every program that signs, serves or verifies it
};

/** Tests run a library on real or memory engines. */
const forTests = ['libs/adapters/', 'libs/ports', 'libs/sim', 'migrations', 'libs/kernel', 'libs/events', 'test'];

const subpaths: Readonly<Record<string, string>> = { core: 'libs/core', domain: 'libs/domain', adapters: 'libs/adapters' };

/** The room that an import leads to; undefined for packages and Node's own modules. */
export function targetOf(file: SourceFile, one: Import): string | undefined {
  if (one.text.startsWith('.')) return unitOf(join(dirname(file.path), one.text));
  if (!one.text.startsWith('#')) return undefined;
  const [family = '', name = ''] = one.text.slice(1).split('/');
  if (family === 'migrations') return 'migrations';
  return subpaths[family] === undefined ? `libs/${family}` : `${subpaths[family]}/${name}`;
}

function matches(unit: string, pattern: string): boolean {
  return pattern.endsWith('/') ? unit.startsWith(pattern) : unit === pattern;
}

function mayImport(file: SourceFile, from: string, to: string): boolean {
  const rights = [...(allowed.find(([unit]) => matches(from, unit))?.[1] ?? []), ...(declared[from] ?? []), ...(file.isTest ? forTests : [])];
  return rights.some((pattern) => matches(to, pattern));
}

export const layers: Rule = (files) =>
  files.flatMap((file) =>
    file.imports.flatMap((one) => {
      const from = unitOf(file.path);
      const to = targetOf(file, one);
      if (to === undefined || to === from || mayImport(file, from, to)) return [];
      return [object(file, one.line, `${from} may not import ${to}`)];
    }),
  );

/** A library is reached by its subpath, never by a file inside it. */
export const noDeepImports: Rule = (files) =>
  files.flatMap((file) =>
    file.imports
      .filter(
        (one) =>
          one.text.startsWith('.') &&
          unitOf(join(dirname(file.path), one.text)) !== unitOf(file.path) &&
          isLibrary(join(dirname(file.path), one.text)) &&
          !isEntranceForPackage(file, one),
      )
      .map((one) => object(file, one.line, `reach ${unitOf(join(dirname(file.path), one.text))} by its # subpath, not by ${one.text}`)),
  );

/** `#` means something else in the package that outsiders install: there, entrances are reached by their path. */
function isEntranceForPackage(file: SourceFile, one: Import): boolean {
  const target = join(dirname(file.path), one.text);
  return unitOf(file.path) === 'libs/sdk' && target === `${unitOf(target)}/index.ts`;
}

function isLibrary(path: string): boolean {
  return path.startsWith('libs/') || path.startsWith('migrations/');
}

/** Programs of strangers that we must get along with may be made with it, too. */
export const nestOnlyAtTheTop: Rule = (files) =>
  files
    .filter((file) => !/^(libs\/runtime|apps|test\/interop)\//.test(file.path))
    .flatMap((file) =>
      file.imports.filter((one) => one.text.startsWith('@nestjs/')).map((one) => object(file, one.line, '@nestjs is for libs/runtime and apps')),
    );

/** Rooms that lead back to themselves. */
export const noCycles: Rule = (files) => {
  const edges = new Map<string, Set<string>>();
  for (const file of files.filter((one) => !one.isTest)) {
    const from = unitOf(file.path);
    for (const one of file.imports) {
      const to = targetOf(file, one);
      if (to !== undefined && to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  return [...edges.keys()].filter((unit) => reaches(edges, unit, unit)).map((unit) => `${unit}: imports itself by way of others`);
};

function reaches(edges: ReadonlyMap<string, ReadonlySet<string>>, from: string, goal: string): boolean {
  const seen = new Set<string>();
  const open = [...(edges.get(from) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === goal) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(edges.get(next) ?? []));
  }
  return false;
}
