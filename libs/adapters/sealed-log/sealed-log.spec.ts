import { describe, expect, test } from '@jest/globals';
import { nodeLedgerHash } from '#adapters/ledger';
import { ManualClock, MemoryBlobStore, MemoryEventLog } from '#adapters/memory';
import type { StoredRecord } from '#events';
import { partitionOf } from '#kernel';
import { eventLogConformance } from '#ports/conformance';
import { Block, encodeBlock } from './block.codec.ts';
import { SealedUnderfoot } from './fixture/sealed-underfoot.ts';
import { SealedEventLog } from './sealed-event-log.adapter.ts';
import type { SegmentSealer, SealingRange } from './segment-sealer.ts';
import { readSegment } from './segment-audit.ts';
import { SegmentReader } from './segment-reader.ts';

eventLogConformance('SealedEventLog over a memory log, sealed underfoot', async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const log = new SealedUnderfoot(new MemoryEventLog(clock), 1);
  return { port: log, elapse: async (ms) => clock.advance(ms), dispose: () => log.close() };
});

const all = { recordsMax: 1000, bytesMax: 16_000_000, waitMs: 0 };
const topic = 't';
const home = partitionOf('k', 4);

interface World {
  readonly clock: ManualClock;
  readonly hot: MemoryEventLog;
  readonly blobs: MemoryBlobStore;
  readonly log: SealedEventLog;
  readonly sealer: SegmentSealer;
}

async function world(records: number): Promise<World> {
  const clock = new ManualClock(1_700_000_000_000);
  const hot = new MemoryEventLog(clock);
  const blobs = new MemoryBlobStore();
  const log = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });
  await log.ensureTopic(topic, 4);
  for (let n = 0; n < records; n++) {
    await log.append(topic, [{ key: 'k', headers: { ce_id: `e${n}`, ce_type: n % 3 === 0 ? 'a.made' : 'b.made' }, value: `{"n":${n},"text":"ü"}` }]);
    clock.advance(10);
  }
  return { clock, hot, blobs, log, sealer: log.sealer(1n, nodeLedgerHash) };
}

const range = (until: bigint, more: Partial<SealingRange> = {}): SealingRange => ({
  topic,
  partition: home,
  until,
  recordsMax: 1000,
  charactersMax: 1_000_000,
  nowMs: 7,
  leafOf: async () => 0,
  prove: async () => undefined,
  ...more,
});

async function everything(log: SealedEventLog, from = 0n): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let at = from; ;) {
    const batch = await log.read(topic, home, at, all);
    if (batch.next === at) return records;
    records.push(...batch.records);
    at = batch.next;
  }
}

describe('a block', () => {
  const record = (offset: bigint, more: Partial<StoredRecord> = {}): StoredRecord => ({
    key: `k${offset}`,
    headers: { ce_id: `id-${offset}`, ce_type: 'a.made' },
    value: `{"n":${offset}}`,
    partition: 3,
    offset,
    recordedAt: 1_700_000_000_000 + Number(offset),
    ...more,
  });
  const blocks: ReadonlyArray<readonly [string, readonly StoredRecord[]]> = [
    ['one record', [record(0n)]],
    ['gaps between offsets, far from 0', [record(2n ** 40n), record(2n ** 40n + 7n), record(2n ** 40n + 9n)]],
    ['text beyond ASCII', [record(1n, { key: 'ключ', value: '😀\u0000', headers: { ce_ü: 'ß' } }), record(2n)]],
    ['no headers, empty texts', [record(1n, { headers: {}, key: '', value: '' }), record(2n, { headers: { a: '' } })]],
    ['a separator within a header', [record(1n, { headers: { a: 'x\u001fy', b: '' } }), record(2n)]],
    ['many sets of names', Array.from({ length: 300 }, (_, n) => record(BigInt(n), { headers: { [`h${n % 70}`]: 'v', z: '1' } }))],
  ];

  test.each(blocks)('%s: comes back as it was', (_, records) => {
    const bytes = encodeBlock(records);
    for (const shift of [0, 3]) {
      const moved = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
      const block = new Block(moved, 3);
      expect(Array.from({ length: block.count }, (_unused, at) => block.record(at))).toEqual(records);
      expect(records.map(({ offset }) => block.find(offset))).toEqual(records.map((_unused, at) => at));
      expect(block.find((records.at(-1) as StoredRecord).offset + 1n)).toBe(records.length);
    }
  });

  test('cut off, it is refused', () => {
    const bytes = encodeBlock([record(1n), record(2n)]);
    expect(() => new Block(bytes.subarray(0, bytes.length - 1), 3)).toThrow();
    expect(() => new Block(bytes.subarray(0, 60), 3)).toThrow();
  });
});

describe('sealing', () => {
  test('moves the past to the blob store; reading, heads and times stay as they were', async () => {
    const { log, hot, sealer } = await world(100);
    const before = await everything(log);
    const [heads, times] = [await log.heads(topic), before.map(({ recordedAt }) => recordedAt)];
    const first = await sealer.seal(range(40n));
    const second = await sealer.seal(range(70n));
    expect([first, second]).toMatchObject([
      { number: 1, first: 0n, end: 40n, records: 40, firstLeaf: 0, firstMs: times[0], lastMs: times[39], sealedMs: 7 },
      { number: 2, first: 40n, end: 70n, records: 30, firstLeaf: 40 },
    ]);
    expect(await everything(log)).toEqual(before);
    expect(await sealer.trim(topic, home, 70n)).toBe(true);
    expect(await sealer.trim(topic, home, 70n)).toBe(false);
    expect((await hot.heads(topic))[home]?.low).toBe(70n);
    expect(await everything(log)).toEqual(before);
    expect(await everything(log, 55n)).toEqual(before.slice(55));
    expect(await log.heads(topic)).toEqual(heads);
    for (const at of [0, 1, 39, 40, 69, 70, 99]) {
      expect(await log.offsetAt(topic, home, times[at] as number)).toBe(BigInt(at));
      expect(await log.offsetAt(topic, home, (times[at] as number) + 1)).toBe(BigInt(at + 1));
    }
    expect((await log.read(topic, home, 12n, { ...all, recordsMax: 5 })).records.map(({ offset }) => offset)).toEqual([12n, 13n, 14n, 15n, 16n]);
  });

  test('another process, which has read nothing yet, reads it all', async () => {
    const { log, hot, blobs, sealer } = await world(30);
    const before = await everything(log);
    await sealer.seal(range(20n));
    await sealer.trim(topic, home, 20n);
    const other = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });
    expect(await everything(other)).toEqual(before);
    expect((await other.heads(topic))[home]).toEqual({ partition: home, low: 0n, high: 30n });
    expect(await other.sealed(topic, home)).toMatchObject({ floor: 0n, end: 20n, count: 1 });
  });

  test('stops at the bounds, and seals nothing where nothing is', async () => {
    const { sealer } = await world(50);
    expect(await sealer.seal(range(0n))).toBeUndefined();
    expect(await sealer.seal(range(50n, { recordsMax: 13 }))).toMatchObject({ records: 13, end: 13n });
    expect(await sealer.seal(range(40n, { charactersMax: 10 }))).toMatchObject({ first: 13n, end: 40n });
    expect(await sealer.seal(range(50n))).toMatchObject({ end: 50n });
    expect(await sealer.seal(range(50n))).toBeUndefined();
  });

  test('what cannot be proven is not sealed', async () => {
    const { log, sealer } = await world(10);
    const refused = new Error('another root');
    await expect(sealer.seal(range(5n, { prove: () => Promise.reject(refused) }))).rejects.toBe(refused);
    expect(await log.sealed(topic, home)).toMatchObject({ end: 0n, segments: [] });
    expect(await sealer.trim(topic, home, 5n)).toBe(false);
  });

  test('whose lease was lost seals nothing more; what it was about to remove is there or sealed', async () => {
    const { log, sealer } = await world(20);
    const successor = log.sealer(2n, nodeLedgerHash);
    expect(await successor.seal(range(5n))).toMatchObject({ number: 1, end: 5n });
    await expect(sealer.seal(range(10n))).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    expect(await log.sealed(topic, home)).toMatchObject({ end: 5n, count: 1 });
    await sealer.trim(topic, home, 10n);
    expect(await everything(log)).toHaveLength(20);
  });

  test('a store that returns other bytes than it was given: nothing is sealed', async () => {
    const { log, hot, blobs } = await world(10);
    class Wrong extends MemoryBlobStore {
      override async read(cid: string, piece?: { first: number; last: number }): Promise<Uint8Array> {
        const bytes = (await super.read(cid, piece)).slice();
        bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] as number) ^ 1;
        return bytes;
      }
    }
    const wrong = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(new Wrong()) });
    await expect(wrong.sealer(1n, nodeLedgerHash).seal(range(5n))).rejects.toMatchObject({ code: 'SEALED_SEGMENT_DAMAGED' });
    expect(await log.sealed(topic, home)).toMatchObject({ segments: [] });
    expect(await everything(new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) }))).toHaveLength(10);
  });
});

describe('a sealed segment', () => {
  async function sealedWorld(): Promise<World & { readonly cid: string }> {
    const made = await world(30);
    const segment = await made.sealer.seal(range(20n));
    await made.sealer.trim(topic, home, 20n);
    return { ...made, cid: segment?.cid ?? '' };
  }
  const fresh = ({ hot, blobs }: World): SealedEventLog => new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });

  test('that is missing is named, and reading stops there', async () => {
    const made = await sealedWorld();
    await made.blobs.delete(made.cid);
    const reading = fresh(made).read(topic, home, 3n, all);
    await expect(reading).rejects.toMatchObject({ code: 'SEALED_SEGMENT_DAMAGED', retryable: false });
    await expect(reading).rejects.toThrow(`Sealed segment 1 of t/${home} (offsets 0 to before 20) is missing: blob ${made.cid}`);
    expect(await fresh(made).read(topic, home, 20n, all)).toMatchObject({ next: 30n });
  });

  test('of which a byte was changed is named, with the block', async () => {
    const made = await sealedWorld();
    const bytes = await made.blobs.read(made.cid);
    class Changed extends MemoryBlobStore {
      override async read(cid: string, piece = { first: 0, last: bytes.length - 1 }): Promise<Uint8Array> {
        expect(cid).toBe(made.cid);
        const changed = bytes.slice();
        changed[40] = (changed[40] as number) ^ 1;
        return changed.slice(piece.first, piece.last + 1);
      }
    }
    const changed = new SealedEventLog({}, { hot: made.hot, blobs: () => Promise.resolve(new Changed()) });
    await expect(changed.read(topic, home, 0n, all)).rejects.toThrow(/its block 0, which ends at offset 19, is not what was sealed/);
  });

  test('is read as it is stored by whoever audits it, whatever was read of it before', async () => {
    const made = await sealedWorld();
    const reader = fresh(made);
    const auditor = reader.asStored();
    for (const log of [reader, auditor]) expect(await everything(log)).toHaveLength(30);
    await made.blobs.delete(made.cid);
    expect(await everything(reader)).toHaveLength(30);
    await expect(auditor.read(topic, home, 3n, all)).rejects.toMatchObject({ code: 'SEALED_SEGMENT_DAMAGED' });
  });

  test('is read anew by each piece of work that must not go by what was read before it', async () => {
    const made = await sealedWorld();
    const reader = fresh(made);
    const before = reader.anew();
    for (const log of [reader, before]) expect(await everything(log)).toHaveLength(30);
    await made.blobs.delete(made.cid);
    for (const log of [reader, before]) expect(await everything(log)).toHaveLength(30);
    await expect(reader.anew().read(topic, home, 3n, all)).rejects.toMatchObject({ code: 'SEALED_SEGMENT_DAMAGED' });
  });

  test('knows what it holds, and gives its leaves again', async () => {
    const made = await sealedWorld();
    const { segments } = await made.log.sealed(topic, home);
    const reader = new SegmentReader({ blobs: () => Promise.resolve(made.blobs), cacheBytes: 0 });
    const { index, range: leaves, fault } = await readSegment(segments[0] as never, reader, nodeLedgerHash);
    expect(fault).toBeUndefined();
    expect(leaves.range).toEqual({ from: 0, to: 20 });
    expect(index).toMatchObject({ topic, partition: home, first: 0n, end: 20n, types: { 'a.made': 7, 'b.made': 13 }, log: await made.hot.identity() });
  });

  test('before which everything was forgotten is out of range, for every process, and its blob is gone', async () => {
    const made = await sealedWorld();
    const other = fresh(made);
    expect(await everything(other)).toHaveLength(30);
    await made.log.truncate(topic, home, 5n);
    expect(await everything(made.log, 5n)).toHaveLength(25);
    await expect(made.log.read(topic, home, 4n, all)).rejects.toThrow(/it holds 5 to 30/);
    await made.log.truncate(topic, home, 20n);
    expect(await made.blobs.stat(made.cid)).toBeUndefined();
    for (const log of [made.log, fresh(made)]) {
      expect((await log.heads(topic))[home]).toEqual({ partition: home, low: 20n, high: 30n });
      await expect(log.read(topic, home, 19n, all)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    }
    // It goes on behind what was forgotten.
    expect(await made.sealer.seal(range(25n, { leafOf: async () => 20 }))).toMatchObject({ number: 2, first: 20n, firstLeaf: 20 });
  });

  test('a process that had not heard that a segment was forgotten says so when it meets it', async () => {
    const made = await sealedWorld();
    const other = fresh(made);
    await other.heads(topic);
    await made.log.truncate(topic, home, 20n);
    await expect(other.read(topic, home, 3n, all)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect((await other.heads(topic))[home]?.low).toBe(20n);
  });

  test('what something else removed before it was sealed is a hole: reading and sealing stop there', async () => {
    const made = await sealedWorld();
    await made.hot.truncate(topic, home, 24n);
    await expect(made.log.read(topic, home, 20n, all)).rejects.toThrow(/has lost the offsets 20 to before 24/);
    await expect(made.sealer.seal(range(30n))).rejects.toMatchObject({ code: 'LOG_HOLE' });
    expect(await everything(made.log, 24n)).toHaveLength(6);
    await made.log.truncate(topic, home, 24n);
    expect(await everything(made.log, 24n)).toHaveLength(6);
    expect(await made.sealer.seal(range(30n))).toMatchObject({ first: 24n });
  });
});
