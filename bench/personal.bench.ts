import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { MemoryAggregateStore, MemoryEventLog, MemoryLeaseStore, MemoryOutbox, MemoryPublicationStore, MemorySubjectKeyStore } from '#adapters/memory';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { playbackStarted, topicPartitions, type StoredRecord } from '#events';
import { LogEventIntake, PersonalData, SubjectKeys } from '#runtime';
import { pino } from 'pino';
import type { Bench } from './harness/index.ts';

/** Of what the cipher alone does: the rest may cost as much again. The issue names no figure. */
const goals = { seal: 0.5, open: 0.5 } as const;
const subjects = 1_000;
const batch = 500;
const logger = pino({ level: 'silent' });
const clock = new SystemClock();
const ids = new UuidV7IdSource();
const caller = { tenant: 'default', actor: 'key:bench', correlationId: 'bench', traceparent: '', mayPublish: () => true };

function personalData(): PersonalData {
  const store = new MemorySubjectKeyStore(new MemoryAggregateStore(new MemoryOutbox(clock)), clock);
  return new PersonalData(new SubjectKeys({}, { store, master: new LocalMasterKey(new MemoryKeyRing()), clock, logger }));
}

/** Events as a transport hands them in; with a viewer of a thousand, or without. */
function incoming(count: number, named: boolean) {
  return Array.from({ length: count }, (_, at) => {
    const viewer = named ? { viewer: `v-${at % subjects}` } : {};
    const data = { sessionId: `ps-${at}`, assetKind: 'stream', assetId: 'st-7f3k2m9q', startupMs: 840, rendition: '720p', player: 'hls.js 1.7.4', ...viewer };
    const attributes = { specversion: '1.0', id: ids.next(), type: playbackStarted.type, source: '/player' };
    return { attributes, data: { json: JSON.stringify(data) } };
  });
}

/** The intake alone, on a log in memory: what encrypting adds to it. */
async function intakeRate(
  count: number,
  named: boolean,
  personal: PersonalData,
): Promise<{ readonly rate: number; readonly records: readonly StoredRecord[] }> {
  const log = new MemoryEventLog(clock);
  await log.ensureTopic('playback', topicPartitions);
  const intake = new LogEventIntake(
    { owner: 'bench' },
    { log, publications: new MemoryPublicationStore(clock), leases: new MemoryLeaseStore(clock), clock, logger, personal },
  );
  const events = incoming(count, named);
  const begun = performance.now();
  for (let at = 0; at < count; at += batch) await intake.publish(events.slice(at, at + batch), caller, { together: true });
  const rate = (count / (performance.now() - begun)) * 1000;
  await intake.stop();
  const records: StoredRecord[] = [];
  for (const { partition, low, high } of await log.heads('playback'))
    records.push(...(await log.read('playback', partition, low, { recordsMax: Number(high), bytesMax: 1e9, waitMs: 0 })).records);
  return { rate, records };
}

/** The same two values per event by node:crypto alone, with random nonces and one key. */
function bareRate(count: number): { readonly seal: number; readonly open: number } {
  const key = randomBytes(32);
  const texts = ['v-4711', 'hls.js 1.7.4'];
  const sealed: Array<readonly [nonce: Buffer, body: Buffer, tag: Buffer]> = [];
  const begun = performance.now();
  for (let at = 0; at < count * texts.length; at++) {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    sealed.push([nonce, Buffer.concat([cipher.update(texts[at % 2] as string), cipher.final()]), cipher.getAuthTag()]);
  }
  const between = performance.now();
  for (const [nonce, body, tag] of sealed) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(tag);
    decipher.update(body);
    decipher.final();
  }
  return { seal: (count / (between - begun)) * 1000, open: (count / (performance.now() - between)) * 1000 };
}

async function openRate(records: readonly StoredRecord[], personal: PersonalData): Promise<number> {
  const begun = performance.now();
  for (let at = 0; at < records.length; at += batch) await personal.openRecords(records.slice(at, at + batch));
  return (records.length / (performance.now() - begun)) * 1000;
}

export const bench: Bench = {
  name: 'personal',
  summary: 'personal data: what encrypting two fields adds to the intake and decrypting them to readers, beside bare node:crypto',
  async run(context) {
    const count = context.quick ? 20_000 : 100_000;
    const personal = personalData();
    await intakeRate(10_000, true, personal);
    const plain = await intakeRate(count, false, personal);
    const named = await intakeRate(count, true, personal);
    const bare = bareRate(count);
    const opened = await openRate(named.records, personal);
    const passed = await openRate(plain.records, personal);
    personal.keys.stop();
    context.row('events per second', 'two values encrypted', 'names nobody', 'node:crypto alone');
    context.row('intake, in memory', named.rate, plain.rate, bare.seal);
    context.row('readers', opened, passed, bare.open);
    context.bar('personal.seal', named.rate, '1/s', `>= ${goals.seal} x node:crypto`, named.rate >= goals.seal * bare.seal, bare.seal);
    context.bar('personal.open', opened, '1/s', `>= ${goals.open} x node:crypto`, opened >= goals.open * bare.open, bare.open);
    context.bar('personal.none', plain.rate, '1/s', 'stated', true, bare.seal);
  },
};
