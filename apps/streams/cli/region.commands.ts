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
  /** What stands for its REGION_SECRET; null where it has none, undefined in a digest of an older version. */
  readonly secretCheck: string | null | undefined;
  /** Of secrets that it had before or knows already; none in a digest of an older version. */
  readonly formerChecks: readonly string[];
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
    process.stdout.write(
      `${file} holds ${parts.size} digests${rows ? '' : ', none of rows: DATABASE_URL is not set, and no PostgreSQL of this data folder runs'}.\n`,
    );
  }
}

/** What two regions differ in. */
export interface RegionDifference {
  /** These stood still in between, and differ. */
  readonly settled: readonly string[];
  /** These differ, and what they hold was being written: nobody can tell by these digests. */
  readonly moving: readonly string[];
}

/** Files of digests, of one region and of another; and, of both, later ones. */
export interface RegionFiles {
  readonly file: string;
  readonly other: string;
  readonly later?: readonly [string, string] | undefined;
}

/** @returns whether no part differs that stood still, or, without later digests, none at all */
export async function compareRegions({ file, other, later }: RegionFiles, { json }: { readonly json?: boolean }): Promise<boolean> {
  const [a, b] = await Promise.all([readDigest(file), readDigest(other)]);
  if (a.log === b.log) throw new PlainFailure(`${file} and ${other} are of one and the same log.`, exitCodes.usage);
  const [laterA, laterB] = later === undefined ? [a, b] : await Promise.all(later.map(readDigest));
  if (laterA?.log !== a.log || laterB?.log !== b.log)
    throw new PlainFailure('The later digests must be of the same two logs, in the same order.', exitCodes.usage);
  // Rows are compared where both have them.
  const rows = [a, b, laterA, laterB].every((one) => one.rows);
  const isCompared = (name: string): boolean => rows || !name.includes(' ');
  const difference = regionDifference([a.parts, b.parts], [laterA.parts, laterB.parts]);
  const [parts, moving] = [difference.settled.filter(isCompared), difference.moving.filter(isCompared)];
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const secrets = secretsOf(laterA, laterB);
  const secretLine = secretLines[secrets]?.(laggingOf(secrets, [file, laterA], [other, laterB]));
  const equal = parts.length === 0 && !divided.includes(secrets);
  if (json === true) write(JSON.stringify({ equal, rows, secrets, parts, moving }, null, 2));
  else for (const line of [...comparisonLines({ settled: parts, moving }, rows, later !== undefined), ...[secretLine ?? []].flat()]) write(line);
  return equal;
}

/** By what regions name subjects of personal data to each other. */
type Secrets = 'same' | 'none' | 'unknown' | 'changing' | 'half-changed' | 'different' | 'one-without';
type Knowing = Pick<RegionDigest, 'secretCheck' | 'formerChecks'>;

/** Whether a region can do what another asks for by its secret. */
function knows({ secretCheck, formerChecks }: Knowing, { secretCheck: asked }: Knowing): boolean {
  return asked === null || asked === undefined || asked === secretCheck || formerChecks.includes(asked);
}

export function secretsOf(mine: Knowing, theirs: Knowing): Secrets {
  const [one, other] = [mine.secretCheck, theirs.secretCheck];
  if (one === undefined || other === undefined) return 'unknown';
  if (one === other) return one === null ? 'none' : 'same';
  if (one === null || other === null) return 'one-without';
  const known = [knows(mine, theirs), knows(theirs, mine)].filter(Boolean).length;
  return (['different', 'half-changed', 'changing'] as const)[known] as Secrets;
}

/** The one that does not know yet by which secret the other asks; of those whose secret is being changed. */
function laggingOf(secrets: Secrets, [file, mine]: readonly [string, Knowing], [other, theirs]: readonly [string, Knowing]): readonly [string, string] {
  return secrets === 'half-changed' && !knows(theirs, mine) ? [other, file] : [file, other];
}

/** Erasures of one at least are not done in the other. */
const divided: readonly Secrets[] = ['different', 'half-changed', 'one-without'];

const secretLines: { readonly [Kind in Secrets]?: (lagging: readonly [string, string]) => string } = {
  changing: () => 'REGION_SECRET is being changed: each of them knows that of the other, and does its erasures.',
  'half-changed': ([behind, ahead]) =>
    `differs: REGION_SECRET is being changed, and ${behind} does not know that of ${ahead} yet: it keeps its erasures until that is its REGION_SECRET, or among its REGION_SECRETS_FORMER. Those of ${behind} are done.`,
  different: () => 'differs: REGION_SECRET. Until it is the same in both, neither can do the erasures of the other: it keeps them.',
  'one-without': () =>
    'differs: REGION_SECRET, which is set in one of them alone. Its erasures are kept by the other until it is set there; the other tells nobody of its own.',
};

type Parts = ReadonlyMap<string, string>;

/** Of two regions, what differs then and later, told apart by whether it was written to in between. */
export function regionDifference(before: readonly [Parts, Parts], after: readonly [Parts, Parts]): RegionDifference {
  const still = new Set(divergence(...before));
  const stands = (name: string): boolean => before.every((parts, at) => parts.get(name) === after[at]?.get(name));
  const differ = divergence(...after);
  const settled = differ.filter((name) => still.has(name) && stands(name));
  return { settled, moving: differ.filter((name) => !settled.includes(name)) };
}

function comparisonLines({ settled, moving }: RegionDifference, rows: boolean, isTwice: boolean): readonly string[] {
  const compared = rows ? 'logs and rows' : 'logs (no rows: DATABASE_URL was not set for both)';
  const advice = isTwice ? '' : ' What was written in between differs, too: compare with later digests of both, and what moves is told apart.';
  const equal = moving.length === 0 ? `The ${compared} are equal.` : `The ${compared} are equal in all that stood still.`;
  return [
    ...settled.map((name) => `differs: ${name}`),
    ...moving.map((name) => `being written: ${name}`),
    settled.length === 0 ? equal : `${settled.length} parts of the ${compared} differ.${advice}`,
  ];
}

async function readDigest(file: string): Promise<RegionDigest> {
  const fail = (why: string): PlainFailure => new PlainFailure(`${file} is not what streams region digest prints: ${why}`, exitCodes.usage);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw fail(messageOf(error));
  }
  const { log, rows, takenAt, parts, secretCheck, formerChecks = [] } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof log !== 'string' || typeof rows !== 'boolean' || typeof takenAt !== 'string' || typeof parts !== 'object' || parts === null)
    throw fail('it lacks log, rows, takenAt or parts');
  if (secretCheck !== undefined && secretCheck !== null && typeof secretCheck !== 'string') throw fail('its secretCheck is no text');
  if (!Array.isArray(formerChecks) || !formerChecks.every((check) => typeof check === 'string')) throw fail('its formerChecks are no texts');
  return { log, rows, takenAt, secretCheck, formerChecks, parts: new Map(Object.entries(parts as Record<string, string>)) };
}
