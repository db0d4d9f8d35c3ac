import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { divergence } from '#runtime';
import { readStreamsSettings } from '../streams.config.ts';
import { exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';

/** What `streams region digest` prints. */
interface RegionDigest {
  readonly log: string;
  readonly rows: boolean;
  readonly takenAt: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** `streams region digest`: the projector's own program reads the engines, which knows every read model. */
export async function digestRegion(file?: string): Promise<void> {
  const { root, dataDir, environment } = readStreamsSettings();
  const entry = join(root, 'dist/apps/projector/region/digest.main.js');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    env: { ...environment, STREAMS_DATA_DIR: dataDir, STREAMS_SUPERVISED: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const digest = await text(child.stdout);
  if ((await exited)[0] !== 0) throw new PlainFailure('The digests could not be taken.');
  if (file === undefined) process.stdout.write(digest);
  else {
    await writeFile(file, digest);
    const { parts, rows } = await readDigest(file);
    process.stdout.write(`${file} holds ${parts.size} digests${rows ? '' : ', none of rows: DATABASE_URL is not set'}.\n`);
  }
}

/** @returns whether all parts that both hold are equal */
export async function compareRegions(file: string, other: string, { json }: { readonly json?: boolean }): Promise<boolean> {
  const [a, b] = await Promise.all([readDigest(file), readDigest(other)]);
  if (a.log === b.log) throw new PlainFailure(`${file} and ${other} are of one and the same log.`, exitCodes.usage);
  // Rows are compared where both have them.
  const isRow = (name: string): boolean => name.includes(' ');
  const rows = a.rows && b.rows;
  const parts = divergence(a.parts, b.parts).filter((name) => rows || !isRow(name));
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  if (json === true) write(JSON.stringify({ equal: parts.length === 0, rows, parts }, null, 2));
  else {
    for (const name of parts) write(`differs: ${name}`);
    const compared = rows ? 'logs and rows' : 'logs (no rows: DATABASE_URL was not set for both)';
    write(
      parts.length === 0
        ? `The ${compared} are equal.`
        : `${parts.length} parts of the ${compared} differ. What was written in between differs, too: compare again when both stand still.`,
    );
  }
  return parts.length === 0;
}

async function readDigest(file: string): Promise<RegionDigest> {
  const fail = (why: string): PlainFailure => new PlainFailure(`${file} is not what streams region digest prints: ${why}`, exitCodes.usage);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw fail(messageOf(error));
  }
  const { log, rows, takenAt, parts } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof log !== 'string' || typeof rows !== 'boolean' || typeof takenAt !== 'string' || typeof parts !== 'object' || parts === null)
    throw fail('it lacks log, rows, takenAt or parts');
  return { log, rows, takenAt, parts: new Map(Object.entries(parts as Record<string, string>)) };
}
