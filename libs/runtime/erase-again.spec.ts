import { describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryAggregateStore, MemoryOutbox, MemorySubjectKeyStore } from '#adapters/memory';
import { encodeEvent, masterKeyGivenUp, subjectErased, type DomainEvent, type StoredRecord } from '#events';
import { pino } from 'pino';
import { eraseAgain } from './erase-again.ts';

const logger = pino({ level: 'silent' });
const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(22)) as [string, string, string];

function keyOf(keyId: string, subject: string, masterId = 'mk-old') {
  return { keyId, tenant: subject === 'index' ? '*' : 'default', subject, masterId, wrapped: Buffer.from('w'), sealedName: undefined };
}

let offset = 0n;

function recorded(draft: { readonly type: string; readonly data: object }, more: Readonly<Record<string, string>> = {}): StoredRecord {
  const meta = { id: `e-${offset}`, source: '/t', time: 1_790_000_000_000, subject: 's', version: 1, key: 'k', actor: 'a', tenant: 'default' };
  const chain = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n };
  const record = encodeEvent({ ...meta, ...chain, ...draft } as unknown as DomainEvent);
  return { ...record, headers: { ...record.headers, ...more }, offset: offset++, recordedAt: 1 } as StoredRecord;
}

async function backup(): Promise<MemorySubjectKeyStore> {
  const clock = new ManualClock();
  const keys = new MemorySubjectKeyStore(new MemoryAggregateStore(new MemoryOutbox(clock)), clock);
  await keys.ensure([keyOf(ids[0], 'viewer-1'), keyOf(ids[1], 'viewer-2'), keyOf(ids[2], 'viewer-3', 'mk-new'), keyOf('index', 'index')]);
  return keys;
}

const live = async (keys: MemorySubjectKeyStore): Promise<readonly string[]> =>
  (await keys.live(['viewer-1', 'viewer-2', 'viewer-3', 'index'])).map(({ keyId }) => keyId);

describe('keys that are back with a backup', () => {
  test('are destroyed again where their subject was erased', async () => {
    const subjectKeys = await backup();
    const erased = subjectErased.samples[0] as object;
    await eraseAgain([recorded(subjectErased.draft({ ...erased, keyIds: [ids[0]] } as never))], { subjectKeys, logger });
    expect(await live(subjectKeys)).toEqual([ids[1], ids[2], 'index']);
  });

  test('go with the master key that was given up, and the key of names, which the event does not list, with them', async () => {
    const subjectKeys = await backup();
    const given = recorded(masterKeyGivenUp.draft({ masterId: 'mk-old', keyIds: [ids[0], ids[1]], reason: 'lost' }));
    await eraseAgain([given], { subjectKeys, logger });
    expect(await live(subjectKeys)).toEqual([ids[2]]);
    // The one that was made since is under another master key.
    await subjectKeys.ensure([keyOf('index-2', 'index', 'mk-new')]);
    await eraseAgain([given], { subjectKeys, logger });
    expect(await live(subjectKeys)).toEqual([ids[2], 'index-2']);
  });

  test('stay where another region gave up a master key of the same name', async () => {
    const subjectKeys = await backup();
    const given = recorded(masterKeyGivenUp.draft({ masterId: 'mk-old', keyIds: [ids[0]], reason: 'lost' }), { ce_origin: 'far' });
    await eraseAgain([given], { subjectKeys, logger });
    expect(await live(subjectKeys)).toHaveLength(4);
  });
});
