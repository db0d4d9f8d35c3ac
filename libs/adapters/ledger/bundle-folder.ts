import { lstat, mkdir, readdir, realpath, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashBytes, parseCheckpoint, tilePath, tilesOf, type SizedTile } from '#core/ledger';
import { OperatingError } from '#kernel';
import { recordsPath } from './bundle-paths.ts';
import { beginsAtOf } from './tree-name.ts';
import { seenName, type SeenCheckpoint, type TreeSource } from './tree-source.ts';

/**
 * A bundle on disk, which any static web server can serve as a C2SP tlog-tiles log:
 *
 *     keys                                  the signed list of the ledger's keys
 *     trees                                 the signed list of all trees, their sizes and roots, and of the export
 *     witness-keys                          verifier keys, one a line
 *     <topic>/<partition>/checkpoint        the newest signed note
 *     <topic>/<partition>/tile/…            tiles
 *     <topic>/<partition>/checkpoints/<n>   signed notes, by their size
 *     <topic>/<partition>/seen/<who>        what witnesses cosigned last
 *     <topic>/<partition>/records/…         records, 256 a file, unless only hashes were exported
 *     <topic>/<partition>/holding           which of them there are, and how much of witnesses, signed by the ledger
 */
export interface Bundle {
  readonly keyList: string;
  /** Without it nobody knows whether trees are missing. */
  readonly treeList: string | undefined;
  readonly witnessKeys: readonly string[];
  readonly trees: readonly TreeSource[];
  /** Whether it comes from disk: all of it has to be of one export. */
  readonly exported?: true;
}

/** Of lists and notes, of a file of 256 records; an auditor's machine is not the audited one's to fill. */
const textBytesMax = 16 * 1024 * 1024;
const recordsBytesMax = 512 * 1024 * 1024;

function notABundle(folder: string, cause?: unknown): OperatingError {
  return new OperatingError(`${folder} is no bundle of the audit ledger: it has no "keys". Make one with "streams audit export".`, {
    code: 'BUNDLE_INVALID',
    retryable: false,
    cause,
  });
}

/** @throws OperatingError `BUNDLE_INVALID` */
export async function openBundle(folder: string): Promise<Bundle> {
  const keyList = await textOf(join(folder, 'keys'));
  if (keyList === undefined) throw notABundle(folder);
  const trees: TreeSource[] = [];
  for (const topic of await namesIn(await realpath(folder))) {
    for (const partition of await namesIn(join(folder, topic))) {
      if (/^(0|[1-9]\d{0,5})$/.test(partition)) trees.push(await openTree(join(folder, topic, partition), topic, Number(partition)));
    }
  }
  trees.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
  return {
    keyList,
    treeList: await textOf(join(folder, 'trees')),
    witnessKeys: linesOf((await textOf(join(folder, 'witness-keys'))) ?? ''),
    trees,
    exported: true,
  };
}

async function openTree(folder: string, topic: string, partition: number): Promise<TreeSource> {
  const newest = await textOf(join(folder, 'checkpoint'));
  const older: string[] = [];
  for (const name of await namesIn(join(folder, 'checkpoints'))) older.push((await textOf(join(folder, 'checkpoints', name))) ?? '');
  const checkpoints = [...(newest === undefined ? [] : [newest]), ...older.filter((note) => note !== newest)];
  const size = Math.max(0, ...checkpoints.map(sizeOf));
  const tiles = await readTiles(folder, size);
  return {
    topic,
    partition,
    // Signed with its origin; one that is none is found by whoever verifies it.
    beginsAt: beginsAtOf(checkpoints[0]?.split('\n')[0] ?? ''),
    checkpoints,
    seen: await readSeen(join(folder, 'seen')),
    tile: ({ level, index }) => tiles.get(`${level}/${index}`),
    records: undefined,
    copy: {
      holding: await textOf(join(folder, 'holding')),
      files: await filesUnder(folder, 'records'),
      read: (path) => bytesOf(join(folder, path), recordsBytesMax),
    },
  };
}

/** A damaged one is found by whoever verifies it. */
function sizeOf(note: string): number {
  try {
    return parseCheckpoint(note).size;
  } catch {
    return 0;
  }
}

async function readTiles(folder: string, size: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const tiles = new Map<string, Uint8Array>();
  for (const tile of tilesOf(size)) {
    const bytes = await bytesOf(join(folder, tilePath(tile)), textBytesMax);
    // Behind a missing one nothing can be verified; the size may be one that nobody has signed.
    if (bytes === undefined && tile.level === 0) break;
    // A tile is its hashes and nothing else (C2SP tlog-tiles).
    if (bytes?.length === tile.width * hashBytes) tiles.set(`${tile.level}/${tile.index}`, bytes);
  }
  return tiles;
}

async function readSeen(folder: string): Promise<readonly SeenCheckpoint[]> {
  const seen: SeenCheckpoint[] = [];
  for (const by of await namesIn(folder)) seen.push({ by, note: (await textOf(join(folder, by))) ?? '' });
  return seen;
}

/** Paths of all files below a folder. */
async function filesUnder(folder: string, prefix: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of await namesIn(join(folder, prefix))) {
    const below = await filesUnder(folder, `${prefix}/${name}`);
    files.push(...(below.length > 0 ? below : [`${prefix}/${name}`]));
  }
  return files;
}

/** Writes a bundle, file by file. */
export class BundleWriter {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws OperatingError `BUNDLE_INVALID` when the folder holds something already. */
  static async create(folder: string): Promise<BundleWriter> {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0)
      throw new OperatingError(`${folder} is not empty: a bundle gets a folder of its own.`, { code: 'BUNDLE_INVALID', retryable: false });
    return new BundleWriter(folder);
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    const target = join(this.#folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }

  /** All of a tree but its records. */
  async writeTree({ topic, partition, checkpoints, seen, tile }: TreeSource): Promise<void> {
    const prefix = `${topic}/${partition}`;
    const size = Math.max(0, ...checkpoints.map(sizeOf));
    for (const note of checkpoints) {
      await this.write(`${prefix}/checkpoints/${sizeOf(note)}`, note);
      if (sizeOf(note) === size) await this.write(`${prefix}/checkpoint`, note);
    }
    for (const { by, note } of seen) await this.write(`${prefix}/seen/${seenName(by)}`, note);
    for (const one of tilesOf(size)) {
      const hashes = tile(one);
      if (hashes !== undefined) await this.write(`${prefix}/${tilePath(one)}`, hashes.subarray(0, one.width * 32));
    }
  }

  /** What the ledger has signed of the records that come. */
  async writeHolding({ topic, partition }: Pick<TreeSource, 'topic' | 'partition'>, note: string): Promise<void> {
    await this.write(`${topic}/${partition}/holding`, note);
  }

  async writeRecords({ topic, partition }: Pick<TreeSource, 'topic' | 'partition'>, tile: SizedTile, bundle: Uint8Array): Promise<void> {
    await this.write(`${topic}/${partition}/${recordsPath(tile)}`, bundle);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  const bytes = await bytesOf(path, textBytesMax);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

/** @throws OperatingError `BUNDLE_INVALID` for what is no file of its own, such as a link out of the bundle, or too large for what it is */
async function bytesOf(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const there = await statOf(path);
  if (there === undefined || there.isDirectory()) return undefined;
  if (!there.isFile()) throw foreignFile(path, 'it is a link or a device');
  if (there.size > bytesMax) throw foreignFile(path, `it has ${there.size} bytes, and at most ${bytesMax} are expected there`);
  return readFile(path);
}

function foreignFile(path: string, why: string): OperatingError {
  return new OperatingError(`${path} is no file of a bundle: ${why}.`, { code: 'BUNDLE_INVALID', retryable: false });
}

async function statOf(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Of a folder in a bundle; links to folders are nothing of it. */
async function namesIn(folder: string): Promise<readonly string[]> {
  if ((await statOf(folder))?.isSymbolicLink() === true) throw foreignFile(folder, 'it is a link');
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}
