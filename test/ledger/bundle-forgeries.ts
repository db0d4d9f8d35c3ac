import { appendFile, cp, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeBundle, encodeBundle, type BundledRecord } from '#core/ledger';

/** A bundle with a tree of 270 records in two files, in the hands of somebody who would rather hide something. */
export interface ForgedBundle {
  readonly folder: string;
  /** Of the tree. */
  readonly tree: string;
}

export interface Forgery {
  readonly name: string;
  readonly forge: (bundle: ForgedBundle) => Promise<unknown>;
  readonly finds: { readonly kind: string; readonly index?: number; readonly message?: string };
}

const [first, last] = ['records/000', 'records/001.p/14'];

async function recordsIn(path: string): Promise<BundledRecord[]> {
  return [...decodeBundle(new Uint8Array(await readFile(path)))];
}

const change =
  (file: string, work: (records: readonly BundledRecord[], all: readonly BundledRecord[]) => readonly BundledRecord[]) =>
  async ({ folder, tree }: ForgedBundle): Promise<void> => {
    const path = join(folder, tree, file);
    await writeFile(path, encodeBundle(work(await recordsIn(path), await recordsIn(join(folder, tree, first)))));
  };
const remove =
  (name: string) =>
  ({ folder, tree }: ForgedBundle) =>
    rm(join(folder, tree, name), { recursive: true });

function edited({ leafInput }: BundledRecord): BundledRecord {
  return { offset: 999n, leafInput: Buffer.from(Buffer.from(leafInput).toString('latin1').replace('origin', 'forged'), 'latin1') };
}

async function trees(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('/holding')).map((name) => join(folder, dirname(name)));
}

async function renumber({ folder, tree }: ForgedBundle, offsetOf: (index: number) => bigint): Promise<void> {
  for (const [file, from] of [
    [first, 0],
    [last, 256],
  ] as const) {
    const path = join(folder, tree, file);
    await writeFile(path, encodeBundle((await recordsIn(path)).map((one, n) => ({ ...one, offset: offsetOf(from + n) }))));
  }
}

export const forgeries: readonly Forgery[] = [
  { name: 'the records of a tree removed', forge: remove('records'), finds: { kind: 'truncated', index: 0 } },
  { name: 'its last file removed', forge: remove(last), finds: { kind: 'truncated', index: 256 } },
  { name: 'bytes behind a whole tile', forge: ({ folder, tree }) => appendFile(join(folder, tree, 'tile/0/000'), 'more'), finds: { kind: 'tile-damaged' } },
  { name: 'its first file removed', forge: remove(first), finds: { kind: 'truncated', index: 0 } },
  {
    name: 'the records of all trees removed',
    forge: async ({ folder }) => {
      for (const tree of await trees(folder)) await rm(join(tree, 'records'), { recursive: true });
    },
    finds: { kind: 'truncated', index: 0 },
  },
  {
    name: 'a record repeated behind the last one',
    forge: change(last, (records, [one]) => [...records, one as BundledRecord]),
    finds: { kind: 'duplicated', index: 270 },
  },
  {
    name: 'a record repeated at the end of a full file',
    forge: change(first, (records) => [...records, records[0] as BundledRecord]),
    // It stands where the first record of the next file belongs.
    finds: { kind: 'altered', index: 256 },
  },
  {
    name: 'a forged record behind the last one',
    forge: change(last, (records) => [...records, edited(records[0] as BundledRecord)]),
    finds: { kind: 'inserted', index: 270 },
  },
  {
    name: 'bytes behind the last record',
    forge: async ({ folder, tree }) => writeFile(join(folder, tree, last), 'forged', { flag: 'a' }),
    finds: { kind: 'records-damaged' },
  },
  {
    name: 'a record moved into the next file',
    forge: async ({ folder, tree }) => {
      const records = await recordsIn(join(folder, tree, first));
      await change(last, (others) => [records.at(-1) as BundledRecord, ...others])({ folder, tree });
      await change(first, (all) => all.slice(0, -1))({ folder, tree });
    },
    finds: { kind: 'records-damaged', message: 'records/000 holds 255 records instead of the 256' },
  },
  { name: 'offsets that fall', forge: (bundle) => renumber(bundle, (index) => BigInt(5000 - index)), finds: { kind: 'offsets-wrong', index: 0 } },
  {
    name: 'offsets that fall in between',
    forge: (bundle) => renumber(bundle, (index) => (index === 100 ? 98n : BigInt(index))),
    finds: { kind: 'offsets-wrong', index: 100 },
  },
  { name: 'offsets that begin later', forge: (bundle) => renumber(bundle, (index) => BigInt(index + 1)), finds: { kind: 'offsets-wrong', index: 0 } },
  {
    name: 'a last offset that is another one',
    forge: (bundle) => renumber(bundle, (index) => BigInt(index === 269 ? 300 : index)),
    finds: { kind: 'offsets-wrong', index: 269 },
  },
  {
    name: 'a file of records that nobody signed',
    forge: async ({ folder, tree }) => {
      await mkdir(join(folder, tree, 'records/x001'), { recursive: true });
      await cp(join(folder, tree, first), join(folder, tree, 'records/x001/000'));
    },
    finds: { kind: 'records-unknown', message: 'records/x001/000' },
  },
  { name: 'the statement of what is held removed', forge: remove('holding'), finds: { kind: 'holding-missing', message: 'export it anew' } },
  {
    name: 'the statements of all trees removed, as in bundles of older versions',
    forge: async ({ folder }) => {
      for (const tree of await trees(folder)) await rm(join(tree, 'holding'));
    },
    finds: { kind: 'holding-missing', message: 'exported by an older version' },
  },
  {
    name: 'the statement edited, with the records removed',
    forge: async ({ folder, tree }) => {
      const path = join(folder, tree, 'holding');
      await writeFile(path, (await readFile(path, 'utf8')).replace('\n0 0 269\n', '\nnone\n'));
      await rm(join(folder, tree, 'records'), { recursive: true });
    },
    finds: { kind: 'holding-missing', message: 'not signed by a key of the ledger' },
  },
  {
    name: 'the statement of another tree',
    forge: async ({ folder, tree }) => {
      const other = (await trees(folder)).find((one) => one !== join(folder, tree)) ?? '';
      await cp(join(other, 'holding'), join(folder, tree, 'holding'));
    },
    finds: { kind: 'holding-missing' },
  },
  {
    name: 'a tree put in from another export, which is right by itself',
    forge: async ({ folder, tree }) => {
      await rm(join(folder, tree), { recursive: true });
      await cp(join(hashesBeside(folder), tree), join(folder, tree), { recursive: true });
    },
    finds: { kind: 'holding-foreign' },
  },
  {
    name: 'the statement of another export, with the records removed',
    forge: async ({ folder, tree }) => {
      await cp(join(hashesBeside(folder), tree, 'holding'), join(folder, tree, 'holding'));
      await rm(join(folder, tree, 'records'), { recursive: true });
    },
    finds: { kind: 'holding-foreign' },
  },
  {
    name: 'the list of trees of another export',
    forge: ({ folder }) => cp(join(hashesBeside(folder), 'trees'), join(folder, 'trees')),
    finds: { kind: 'tree-missing', message: 'another export than the trees' },
  },
  {
    name: 'a tree under a name that is not quite its own',
    forge: ({ folder, tree }) => rename(join(folder, tree), join(folder, tree.replace('/', '/0'))),
    finds: { kind: 'tree-missing' },
  },
];

/** What leads out of the bundle, or is larger than anything of it: the one who is audited has no say over the auditor's machine. */
export const strangers: ReadonlyArray<readonly [name: string, put: (bundle: ForgedBundle) => Promise<unknown>]> = [
  ['a list of keys that is a device', ({ folder }) => linked('/dev/zero', join(folder, 'witness-keys'))],
  ['a list of trees larger than any', ({ folder }) => truncate(join(folder, 'trees'), 20 * 1024 * 1024)],
  ['a checkpoint that is a link', ({ folder, tree }) => linked('/etc/hostname', join(folder, tree, 'checkpoint'))],
  ['records that are a device', ({ folder, tree }) => linked('/dev/zero', join(folder, tree, first))],
  ['a folder of records that is a link', ({ folder, tree }) => linked('/', join(folder, tree, 'records'))],
];

async function linked(target: string, path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await symlink(target, path);
}

/** An export of the same trees without records. */
function hashesBeside(folder: string): string {
  return join(dirname(folder), 'hashes');
}
