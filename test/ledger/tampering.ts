import { audit, LedgerSigners, treeName, type AuditReport, type Bundle, type TreeSource } from '#adapters/ledger';
import { parseTreeList } from '#core/ledger';
import { MemoryLedgerStore, MemorySecretStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import type { LogRecord } from '#events';
import { partitionOf } from '#kernel';
import type { EventLog, LedgerPartition } from '#ports';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordsOfLog } from '../../apps/streams/audit/log-records.ts';
import { bundleOf } from './bundle-of.ts';
import type { Forger, RawRecord } from './forger.ts';
import { keepLedger } from './ledger-run.ts';

/** An engine under attack. */
export interface Victim {
  readonly log: EventLog;
  /** Ends everything that has the log open, lets `work` edit the disk, and opens it again. */
  attack(work: (forger: Forger) => void): Promise<EventLog>;
  /** Alters the record of that number on the disk while the log is open and running. */
  alterLive(where: LedgerPartition, number: number, from: string, to: string): void;
  close(): Promise<void>;
}

const records = 300;
/** The record that most cases are about. */
const at = 270;
const id = `event-${at}`;

interface Expected {
  readonly kind: string;
  readonly index?: number;
  readonly eventId?: string;
}

interface Case {
  readonly name: string;
  readonly forge: (forger: Forger, where: LedgerPartition) => void;
  readonly finds: Expected;
}

const edit =
  (change: (all: readonly RawRecord[]) => readonly RawRecord[]) =>
  (forger: Forger, { topic, partition }: LedgerPartition) =>
    forger.edit(topic, partition, change);
const alter = (from: string, to: string) => edit((all) => all.with(at, (all[at] as RawRecord).alter(from, to)));
const altered = { kind: 'altered', index: at, eventId: id };

/** What somebody can do to the records of a log. */
const cases: readonly Case[] = [
  { name: 'an altered value', forge: alter('"amount":100', '"amount":900'), finds: altered },
  { name: 'an altered key', forge: alter('account', 'acc0unt'), finds: altered },
  { name: 'an altered header', forge: alter('payment.made', 'payment.lost'), finds: altered },
  { name: 'a renamed header', forge: alter('ce_actor', 'ce_other'), finds: altered },
  { name: 'an altered event id', forge: alter(id, 'event-x70'), finds: { kind: 'altered', index: at, eventId: 'event-x70' } },
  { name: 'a dropped record', forge: edit((all) => all.toSpliced(at, 1)), finds: { kind: 'dropped', index: at, eventId: `event-${at + 1}` } },
  { name: 'a dropped run of records', forge: edit((all) => all.toSpliced(at, 5)), finds: { kind: 'dropped', index: at, eventId: `event-${at + 5}` } },
  { name: 'the first record dropped', forge: edit((all) => all.slice(1)), finds: { kind: 'dropped', index: 0, eventId: 'event-1' } },
  {
    name: 'two records in another order',
    forge: edit((all) => all.with(at, all[at + 1] as RawRecord).with(at + 1, all[at] as RawRecord)),
    finds: { kind: 'reordered', index: at, eventId: `event-${at + 1}` },
  },
  {
    name: 'an inserted record',
    forge: edit((all) => all.toSpliced(at, 0, (all[at] as RawRecord).alter(id, 'event-new'))),
    finds: { kind: 'inserted', index: at, eventId: 'event-new' },
  },
  {
    name: 'a duplicated record',
    forge: edit((all) => all.toSpliced(at + 1, 0, all[at] as RawRecord)),
    finds: { kind: 'duplicated', index: at + 1, eventId: id },
  },
  { name: 'a truncated tail', forge: edit((all) => all.slice(0, -3)), finds: { kind: 'truncated', index: records - 3 } },
  { name: 'all records gone', forge: edit(() => []), finds: { kind: 'truncated', index: 0 } },
  {
    name: 'an altered first record',
    forge: edit((all) => all.with(0, (all[0] as RawRecord).alter('"amount":100', '"amount":900'))),
    finds: { kind: 'altered', index: 0, eventId: 'event-0' },
  },
  {
    name: 'an altered last record',
    forge: edit((all) => all.with(all.length - 1, (all.at(-1) as RawRecord).alter('"amount":100', '"amount":900'))),
    finds: { kind: 'altered', index: records - 1 },
  },
  {
    name: 'every record rewritten',
    forge: edit((all) => all.map((one) => one.alter('"amount":100', '"amount":900'))),
    finds: { kind: 'altered', index: 0, eventId: 'event-0' },
  },
  {
    name: 'two partitions swapped',
    forge: (forger, { topic, partition }) => forger.swap(topic, partition, 1 - partition),
    finds: { kind: 'altered', index: 0 },
  },
];

function record(n: number, key: string): LogRecord {
  return { key, headers: { ce_id: `event-${n}`, ce_type: 'payment.made', ce_actor: 'key:k-1' }, value: `{"amount":100,"n":${n}}` };
}

const topicOf = (number: number): string => `case${number}`;

/** Runs every case on an engine: each on a topic of its own, so that the log is opened again only once. */
export function tampering(name: string, open: () => Promise<Victim>): void {
  describe(`tampering with ${name}`, () => {
    const secrets = new MemorySecretStore();
    const store = new MemoryLedgerStore(new SystemClock());
    const untouched = topicOf(cases.length);
    const live = 'live';
    let found: ReadonlyArray<readonly object[]>;
    let victim: Victim;
    let log: EventLog;
    let bundle: Bundle;
    const places = new Map<string, LedgerPartition>();

    const verify = async (trees: readonly TreeSource[], keyList = bundle.keyList, from = bundle): Promise<AuditReport> =>
      audit(await recordsOfLog({ ...bundle, keyList, treeList: await listOf(trees, from), trees }, log), { keys: [], witnessKeys: [], cosignersMin: 0 });
    // As if there were no other trees.
    const listOf = async (trees: readonly TreeSource[], from: Bundle): Promise<string> => {
      const signers = await LedgerSigners.fromSecrets('ledger.example', secrets, 1);
      return signers.signTrees(parseTreeList(from.treeList ?? '').trees.filter(({ tree }) => trees.some((one) => treeName(one) === tree)));
    };
    const treesOf = (topic: string): readonly TreeSource[] => bundle.trees.filter((tree) => tree.topic === topic);
    const treeAt = (topic: string): TreeSource => treesOf(topic).find(({ partition }) => partition === places.get(topic)?.partition) as TreeSource;

    beforeAll(async () => {
      victim = await open();
      const topics = [...cases.map((_, number) => topicOf(number)), untouched];
      await Promise.all(topics.map((topic) => fill(victim.log, topic, places)));
      await fillLive(victim.log, live, places);
      await keepLedger({ log: victim.log, store, secrets }, [...topics, live]);
      bundle = await bundleOf(store);
      // All of it was read by this process a moment ago.
      log = victim.log;
      const before = await verify(treesOf(live));
      victim.alterLive(places.get(live) as LedgerPartition, 5, 'live-5-100', 'live-5-900');
      found = [before, await verify(treesOf(live))].map(({ trees }) => trees.flatMap(({ findings }) => findings));
      log = await victim.attack((forger) => {
        for (const [number, { forge }] of cases.entries()) forge(forger, places.get(topicOf(number)) as LedgerPartition);
      });
    }, 600_000);
    afterAll(() => victim?.close());

    test('nothing is found where nothing was done', async () => {
      const report = await verify(treesOf(untouched));
      expect(report).toMatchObject({ ok: true, compared: records + 20 });
    });

    test('finds what is altered under a log that is open, and has read it before', () => {
      expect(found).toEqual([[], [expect.objectContaining({ kind: 'altered', index: 5, offset: '5', eventId: 'event-5' })]]);
    });

    test.each(cases.map((one, number) => [one.name, number, one.finds] as const))('finds %s', async (_name, number, finds) => {
      const report = await verify(treesOf(topicOf(number)));
      expect(report.ok).toBe(false);
      const where = places.get(topicOf(number));
      const [finding] = report.trees.find(({ partition }) => partition === where?.partition)?.findings ?? [];
      expect(finding).toMatchObject(finds);
      expect(finding?.message).toContain(`${where?.topic}/${where?.partition}: record ${finding?.index}`);
    });

    describe('or with its ledger', () => {
      const findingsOf = async (tree: TreeSource, keyList?: string, from?: Bundle): Promise<readonly string[]> =>
        (await verify([tree], keyList, from)).trees.flatMap(({ findings }) => findings.map(({ kind }) => kind));
      const changed = (change: Partial<TreeSource>): Promise<readonly string[]> => findingsOf({ ...treeAt(untouched), ...change });
      const note = (): string => treeAt(untouched).checkpoints[0] as string;
      const flipped = (hashes: Uint8Array | undefined): Uint8Array | undefined => hashes?.with(40, hashes[40] === 0 ? 1 : 0) as Uint8Array | undefined;

      test.each([
        [0, 'an altered tile of leaves'],
        [1, 'an altered tile above'],
      ])('level %d: finds %s', async (level) => {
        const tree = treeAt(untouched);
        expect(
          await changed({
            tile: (one) =>
              (one.level === level && one.index === 0 ? (level === 1 ? tree.tile(one)?.with(3, 7) : flipped(tree.tile(one))) : tree.tile(one)) as Uint8Array,
          }),
        ).toContain('tile-damaged');
      });

      test('finds a missing tile', async () => {
        const tree = treeAt(untouched);
        expect(await changed({ tile: (one) => (one.level === 0 && one.index === 1 ? undefined : tree.tile(one)) })).toContain('tile-damaged');
      });

      test.each([
        ['size', (text: string) => text.replace('\n300\n', '\n299\n')],
        ['root hash', (text: string) => text.replace(/\n300\n(.)/, (_, first: string) => `\n300\n${first === 'A' ? 'B' : 'A'}`)],
        ['signature', (text: string) => text.replace(/(— \S+ .{20})(.)/, (_, head: string, one: string) => `${head}${one === 'A' ? 'B' : 'A'}`)],
        ['form', (text: string) => text.slice(0, -10)],
      ])('finds a checkpoint with another %s', async (_what, alterNote) => {
        expect(alterNote(note())).not.toBe(note());
        expect(await changed({ checkpoints: [alterNote(note())] })).toContainEqual(expect.stringMatching(/^checkpoint-(unsigned|damaged)$/));
      });

      test('finds the checkpoint of another tree', async () => {
        expect(await changed({ checkpoints: treeAt(topicOf(0)).checkpoints })).toEqual(['checkpoint-wrong']);
      });

      test('finds a whole ledger signed anew by somebody else', async () => {
        const forged = new LedgerSigners('ledger.example', [{ publicKey: new Uint8Array(32).fill(1), sign: () => new Uint8Array(64) }]);
        await expect(findingsOf(treeAt(untouched), forged.keyList())).rejects.toMatchObject({ code: 'LEDGER_INVALID' });
        const thief = await LedgerSigners.fromSecrets('ledger.example', new MemorySecretStore(), 1);
        const known = (await LedgerSigners.fromSecrets('ledger.example', secrets, 1)).keyList().split('\n')[1] as string;
        await expect(audit({ ...bundle, keyList: thief.keyList() }, { keys: [known], witnessKeys: [], cosignersMin: 0 })).rejects.toMatchObject({
          code: 'LEDGER_INVALID',
        });
      });

      test('finds a log and ledger that were set back to an older checkpoint, by what a witness has seen', async () => {
        const older = new MemoryLedgerStore(new SystemClock());
        const { topic, partition } = treeAt(untouched);
        const short: EventLog = Object.create(log, {
          heads: { value: async (name: string) => (await log.heads(name)).map((head) => (head.partition === partition ? { ...head, high: 290n } : head)) },
          read: {
            value: async (...args: Parameters<EventLog['read']>) => {
              const batch = await log.read(...args);
              return { ...batch, records: batch.records.filter(({ offset }) => args[1] !== partition || offset < 290n) };
            },
          },
        }) as EventLog;
        await keepLedger({ log: short, store: older, secrets }, [topic]);
        const set = await bundleOf(older);
        const back = set.trees.find((tree) => tree.partition === partition) as TreeSource;
        expect(await findingsOf(back, undefined, set)).toEqual([]);
        expect(await findingsOf({ ...back, seen: [{ by: 'edge-1', note: note() }] }, undefined, set)).toEqual(['rolled-back']);
        // And by the list of trees, when that was not set back.
        expect(await findingsOf(back)).toEqual(['rolled-back']);
      });

      test('finds a fork that was shown to one witness', async () => {
        const { topic, partition } = treeAt(untouched);
        const signers = await LedgerSigners.fromSecrets('ledger.example', secrets, 1);
        const fork = signers.sign({ topic, partition }, { size: 100, root: new Uint8Array(32).fill(7) });
        expect(await changed({ seen: [{ by: 'edge-1', note: note() }] })).toEqual([]);
        expect(
          await changed({
            seen: [
              { by: 'edge-1', note: note() },
              { by: 'edge-2', note: fork },
            ],
          }),
        ).toEqual(['forked']);
        expect(await changed({ checkpoints: [note(), fork] })).toEqual(['checkpoint-wrong']);
      });

      describe('or takes whole trees away', () => {
        const missing = async (change: Partial<Bundle>): Promise<readonly string[]> => {
          const report = await audit({ ...bundle, ...change }, { keys: [], witnessKeys: [], cosignersMin: 0 });
          expect(report.ok).toBe(report.findings.length === 0);
          for (const { kind } of report.findings) expect(kind).toBe('tree-missing');
          return report.findings.map(({ message }) => message);
        };

        test('finds none where none was taken', async () => {
          expect(await missing({})).toEqual([]);
        });

        test('finds the partition that is missing, and all of them', async () => {
          const { topic, partition } = treeAt(untouched);
          expect(await missing({ trees: bundle.trees.filter((tree) => tree !== treeAt(untouched)) })).toEqual([
            `${topic}/${partition}: the whole tree is missing, of which ${records} records were signed`,
          ]);
          expect(await missing({ trees: [] })).toHaveLength(bundle.trees.length);
        });

        test.each<[string, (list: string) => string | undefined, string]>([
          ['gone', () => undefined, 'no signed list'],
          ['shortened', (list) => list.replace(/\ncase0\/0 .*/, ''), 'not signed'],
          ['of another ledger', (list) => list.replace('ledger.example/trees\n', 'other.example/trees\n'), 'not signed'],
          ['out of order', (list) => list.replace(/\n(case0\/0 .*)\n(case0\/1 .*)/, '\n$2\n$1'), 'damaged'],
          ['a key list', () => bundle.keyList, 'damaged'],
          ['cut off', (list) => list.slice(0, 40), 'damaged'],
        ])('finds a list that is %s', async (_what, change, says) => {
          const list = bundle.treeList ?? '';
          expect(change(list)).not.toBe(list);
          expect(await missing({ treeList: change(list) })).toEqual([expect.stringContaining(says)]);
        });
      });

      test('misses cosignatures that were asked for', async () => {
        const report = await audit({ ...bundle, trees: [treeAt(untouched)] }, { keys: [], witnessKeys: [], cosignersMin: 1 });
        expect(report.trees[0]?.findings.map(({ kind }) => kind)).toEqual(['cosignatures-missing']);
      });
    });
  });
}

/** Two partitions: `records` in one, a few in the other. Each record is an append of its own. */
async function fill(log: EventLog, topic: string, places: Map<string, LedgerPartition>): Promise<void> {
  await log.ensureTopic(topic, 2);
  const [first] = await log.append(topic, [record(0, 'account')]);
  const partition = first?.partition ?? 0;
  places.set(topic, { topic, partition });
  for (let n = 1; n < records; n++) await log.append(topic, [record(n, 'account')]);
  const other = await otherKey(log, topic, partition);
  for (let n = 1; n < 20; n++) await log.append(topic, [record(1000 + n, other)]);
}

/** A few records of texts that stand nowhere else. */
async function fillLive(log: EventLog, topic: string, places: Map<string, LedgerPartition>): Promise<void> {
  await log.ensureTopic(topic, 2);
  for (let n = 0; n < 10; n++) {
    const [at] = await log.append(topic, [{ ...record(n, 'account'), value: `live-${n}-100` }]);
    places.set(topic, { topic, partition: at?.partition ?? 0 });
  }
}

async function otherKey(log: EventLog, topic: string, partition: number): Promise<string> {
  const key = ['b', 'c', 'd', 'e', 'f', 'g'].find((one) => partitionOf(one, 2) !== partition) as string;
  await log.append(topic, [record(1000, key)]);
  return key;
}
