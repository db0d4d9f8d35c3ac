import { ManualClock, MemoryBlobStore, MemoryEventIndex, MemoryEventLog, MemoryLedgerStore, MemorySecretStore } from '#adapters/memory';
import { SealedEventLog } from '#adapters/sealed-log';
import type { IndexedEvent, LedgerEvidence } from '#ports';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { LedgerReader } from '../../apps/gateway/ledger/ledger-reader.ts';
import { keepLedger } from './ledger-run.ts';

/** Runs something right after evidence was looked up, once. */
class HurriedStore extends MemoryLedgerStore {
  afterEvidence: (() => Promise<unknown>) | undefined;

  override async evidence(...args: Parameters<MemoryLedgerStore['evidence']>): Promise<LedgerEvidence> {
    const evidence = await super.evidence(...args);
    const after = this.afterEvidence;
    this.afterEvidence = undefined;
    await after?.();
    return evidence;
  }
}

describe('the reader of the ledger', () => {
  const clock = new ManualClock(1_790_000_000_000);
  const secrets = new MemorySecretStore();
  let log: MemoryEventLog;
  let store: HurriedStore;
  let index: MemoryEventIndex;
  let reader: LedgerReader;

  beforeEach(async () => {
    [log, store, index] = [new MemoryEventLog(clock), new HurriedStore(clock), new MemoryEventIndex(clock)];
    const sealed = new SealedEventLog({}, { hot: log, blobs: () => Promise.resolve(new MemoryBlobStore()) }).asStored();
    reader = new LedgerReader({ store, log: sealed, index, now: () => clock.now(), unseenWaitMs: 100 });
    await log.ensureTopic('stream', 12);
  });

  const keep = () => keepLedger({ log, store, secrets }, ['stream']);

  type Place = { readonly partition: number; readonly offset: bigint };

  /** Appends an event under one key. @returns where it stands */
  async function append(id: string): Promise<Place> {
    const [place] = await log.append('stream', [{ key: 'st-1', headers: { ce_id: id, ce_type: 'stream.created' }, value: '{}' }]);
    if (place === undefined) throw new Error('nothing was appended');
    return place;
  }

  /** Appends an event, and has it indexed. */
  async function record(id: string): Promise<Place> {
    const place = await append(id);
    await indexed(id, place);
    return place;
  }

  async function indexed(id: string, { partition, offset }: Place): Promise<void> {
    const about = { type: 'stream.created', subject: 'st-1', tenant: 'default', actor: '', correlationId: '', causationId: '' };
    const event: IndexedEvent = { ...about, id, topic: 'stream', partition, offset, recordedAt: clock.now(), time: clock.now() };
    await index.claim(1n, 'log');
    const from = (await index.positions()).find((one) => one.topic === 'stream' && one.partition === partition)?.position ?? 0n;
    await index.append({ epoch: 1n, moves: [{ topic: 'stream', partition, from, to: offset + 1n }], events: [event] });
  }

  test.each(['e-outside', '0190a5f0-1234-7000-8000-000000000001'])(
    'of event %s that is not in the ledger yet says so by its id, as by its place',
    async (id) => {
      await record('e-before');
      await keep();
      const { partition, offset } = await record(id);
      expect(await reader.proveEvent(id)).toEqual({ kind: 'not-signed-yet' });
      expect(await reader.proveAt({ topic: 'stream', partition }, offset)).toEqual({ kind: 'not-signed-yet' });
      expect(await reader.proveEvent('e-nowhere')).toEqual({ kind: 'unknown' });
      await keep();
      expect(await reader.proveEvent(id)).toMatchObject({ kind: 'proof', proof: { eventId: id, offset } });
    },
  );

  test('of an event that nobody has looked at yet says so, and waits for it a little', async () => {
    const place = await append('e-1');
    expect(await reader.proveEvent('e-1')).toEqual({ kind: 'not-known-yet' });
    expect(await reader.proveEvent('e-nowhere')).toEqual({ kind: 'not-known-yet' });
    const asked = reader.proveEvent('e-1');
    await indexed('e-1', place);
    expect(await asked).toEqual({ kind: 'not-signed-yet' });
    expect(await reader.proveEvent('e-nowhere')).toEqual({ kind: 'unknown' });
    await append('e-2');
    // What the ledger has taken in is looked at, too.
    await keep();
    expect(await reader.proveEvent('e-nowhere')).toEqual({ kind: 'unknown' });
  });

  test('proves no other event in place of one whose place in the index holds another', async () => {
    const { partition, offset } = await record('e-1');
    await keep();
    const wrong = { id: 'e-2', topic: 'stream', partition, offset, recordedAt: 1, time: 1, type: 'stream.created', subject: 'st-1' } as const;
    await index.append({ epoch: 1n, moves: [], events: [{ ...wrong, tenant: 'default', actor: '', correlationId: '', causationId: '' }] });
    expect(await reader.proveEvent('e-2')).toEqual({ kind: 'unknown' });
  });

  test('proves a record that the ledger took in between looking it up and asking how far the ledger is', async () => {
    const { partition, offset } = await record('e-1');
    store.afterEvidence = keep;
    expect(await reader.proveAt({ topic: 'stream', partition }, offset)).toMatchObject({ kind: 'proof', proof: { eventId: 'e-1' } });
    const second = await record('e-2');
    store.afterEvidence = keep;
    expect(await reader.proveEvent('e-2')).toMatchObject({ kind: 'proof', proof: { offset: second.offset } });
  });
});
