import { streamStopped, type EventEnvelope } from '#events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { AggregateCommit, AggregateStore } from '../aggregate-store.port.ts';
import type { KeptErasure, KeptErasures } from '../kept-erasures.port.ts';
import type { NewSubjectKey, SubjectKeyStore } from '../subject-key-store.port.ts';
import { freshName, operatingError, useSubject, type SubjectFactory } from './subject.ts';

/** Keys, the aggregates to which their erasures commit, and those of other regions that wait. */
export interface SubjectKeysSubject {
  readonly keys: SubjectKeyStore;
  readonly aggregates: AggregateStore;
  readonly kept: KeptErasures;
}

function fresh(subject = freshName('subject'), masterId = 'mk-1'): NewSubjectKey {
  return { keyId: randomBytes(16).toString('base64url'), tenant: 'default', subject, masterId, wrapped: randomBytes(60), sealedName: `sealed "${subject}"` };
}

function commitOf(id: string, expectedVersion = 0n): AggregateCommit {
  const data = { streamId: id, reason: 'operator' as const, detail: '' };
  const event: EventEnvelope = {
    ...{
      id: `${id}-${expectedVersion}`,
      type: streamStopped.type,
      version: 1,
      source: '/test',
      subject: id,
      time: 1_790_000_000_000,
      key: id,
      tenant: 'default',
    },
    ...{ correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:test', streamVersion: expectedVersion + 1n, producerEpoch: 0n, data },
  };
  return { context: 'stream', id, expectedVersion, state: { erased: true }, events: [event] };
}

/** What every store of subjects' keys promises. */
export function subjectKeyStoreConformance(name: string, factory: SubjectFactory<SubjectKeysSubject>): void {
  describe(`${name} keeps keys of subjects`, () => {
    const subject = useSubject(factory);
    let keys: SubjectKeyStore;
    beforeEach(() => {
      keys = subject().port.keys;
    });
    makingCases(() => keys);
    erasingCases(
      () => keys,
      () => subject().port.aggregates,
    );
    regionCases(() => keys);
    wrappingCases(() => keys);
    keptCases(() => subject().port.kept);
  });
}

function makingCases(keys: () => SubjectKeyStore): void {
  test('of many who make the key of one subject at once, all get the same', async () => {
    const subject = freshName('subject');
    const made = await Promise.all(Array.from({ length: 8 }, () => keys().ensure([fresh(subject), fresh()])));
    const ids = made.map((found) => found.find((key) => key.subject === subject)?.keyId);
    expect(new Set(ids).size).toBe(1);
    expect(made.every((found) => found.length === 2)).toBe(true);
  });

  test('what two tenants call alike are two subjects', async () => {
    const one = fresh();
    const [mine, theirs] = [await keys().ensure([one]), await keys().ensure([{ ...fresh(one.subject), tenant: 'acme' }])];
    expect([mine, theirs].map((found) => found.map(({ tenant }) => tenant))).toEqual([['default'], ['acme']]);
    expect((await keys().live([one.subject])).map(({ tenant }) => tenant).toSorted()).toEqual(['acme', 'default']);
  });

  test('a key is found by subject and by id, to the byte', async () => {
    const [one, other] = [fresh(), fresh()];
    await keys().ensure([one, other]);
    const expected = { keyId: one.keyId, subject: one.subject, key: { masterId: one.masterId, wrapped: one.wrapped }, erasedAtMs: undefined };
    const [found] = await keys().live([one.subject, 'nobody']);
    expect({ ...found, key: { ...found?.key, wrapped: Buffer.from(found?.key?.wrapped ?? []) } }).toMatchObject(expected);
    expect((await keys().byId([other.keyId, 'none'])).map(({ subject }) => subject)).toEqual([other.subject]);
    expect(await keys().ofSubject('nobody')).toEqual([]);
  });
}

function erasingCases(keys: () => SubjectKeyStore, aggregates: () => AggregateStore): void {
  const erase = (one: NewSubjectKey, atMs = 1_790_000_000_123, version = 0n) => keys().erase([one.keyId], atMs, commitOf(one.subject, version));

  test('erasing destroys the key, says so once, and commits the event with it', async () => {
    const one = fresh();
    await keys().ensure([one]);
    const { last } = await keys().erasures(0n);
    await erase(one);
    expect(await keys().live([one.subject])).toEqual([]);
    expect(await keys().byId([one.keyId])).toEqual([expect.objectContaining({ key: undefined, erasedAtMs: 1_790_000_000_123 })]);
    expect((await keys().erasures(last)).keyIds).toEqual([one.keyId]);
    expect((await keys().erasures((await keys().erasures(last)).last)).keyIds).toEqual([]);
    expect((await aggregates().load('stream', one.subject))?.version).toBe(1n);
  });

  test('what was destroyed is destroyed again in a store of a time before, and whoever has it hears of it', async () => {
    const [back, other, gone] = [fresh(), fresh(), fresh()];
    await keys().ensure([back, other, gone]);
    await erase(gone);
    const { last } = await keys().erasures(0n);
    expect(await keys().eraseAgain([back.keyId, gone.keyId, 'unknown'], 1_790_000_000_321)).toBe(1);
    expect(await keys().eraseAgain([back.keyId], 1_790_000_000_999)).toBe(0);
    expect(await keys().eraseAgain([], 1)).toBe(0);
    expect((await keys().erasures(last)).keyIds).toEqual([back.keyId]);
    const found = await keys().byId([back.keyId, other.keyId]);
    expect(found.map(({ keyId, key, erasedAtMs }) => [keyId, key === undefined, erasedAtMs]).toSorted()).toEqual(
      [
        [back.keyId, true, 1_790_000_000_321],
        [other.keyId, false, undefined],
      ].toSorted(),
    );
  });

  test('an erasure that does not commit destroys nothing', async () => {
    const one = fresh();
    await keys().ensure([one]);
    await expect(erase(one, 1, 7n)).rejects.toEqual(operatingError('VERSION_CONFLICT'));
    expect(await keys().live([one.subject])).toHaveLength(1);
  });

  test('whoever comes back gets another key, and the old one stays erased', async () => {
    const [first, second] = [fresh(), fresh()];
    await keys().ensure([first]);
    await erase(first);
    await keys().ensure([{ ...second, subject: first.subject }]);
    const all = await keys().ofSubject(first.subject);
    expect(all.map(({ keyId, key }) => [keyId, key === undefined])).toEqual([
      [first.keyId, true],
      [second.keyId, false],
    ]);
  });

  test('erasures at once are all heard of by who asks on from the last', async () => {
    const all = Array.from({ length: 6 }, () => fresh());
    await keys().ensure(all);
    let { last } = await keys().erasures(0n);
    const heard: string[] = [];
    const erasing = Promise.all(all.map((one) => erase(one)));
    let done = false;
    void erasing.then(() => (done = true));
    for (let more = true; more;) {
      more = !done;
      const news = await keys().erasures(last);
      last = news.last;
      heard.push(...news.keyIds);
    }
    await erasing;
    expect(heard.toSorted()).toEqual(all.map(({ keyId }) => keyId).toSorted());
  });
}

function wrappingCases(keys: () => SubjectKeyStore): void {
  test('a key goes under another master key once', async () => {
    const master = freshName('mk');
    const one = fresh(freshName('subject'), master);
    await keys().ensure([one]);
    const to = { masterId: 'mk-new', wrapped: randomBytes(60) };
    expect((await keys().wrappedByOthers('mk-new', 10_000)).map(({ keyId }) => keyId)).toContain(one.keyId);
    expect((await keys().wrappedBy(master, 10_000)).map(({ keyId }) => keyId)).toEqual([one.keyId]);
    expect(await keys().rewrap(one.keyId, master, to)).toBe(true);
    expect(await keys().wrappedBy(master, 10_000)).toEqual([]);
    expect(await keys().rewrap(one.keyId, master, to)).toBe(false);
    expect((await keys().byId([one.keyId]))[0]?.key?.masterId).toBe('mk-new');
    expect((await keys().wrappedByOthers('mk-new', 10_000)).map(({ keyId }) => keyId)).not.toContain(one.keyId);
  });

  test('an erased key is wrapped by nothing, and counted', async () => {
    const one = fresh();
    await keys().ensure([one]);
    const before = await keys().counts();
    await keys().erase([one.keyId], 1, commitOf(one.subject));
    expect(await keys().rewrap(one.keyId, one.masterId, { masterId: 'mk-new', wrapped: randomBytes(60) })).toBe(false);
    const after = await keys().counts();
    expect([after.live, after.erased]).toEqual([before.live - 1, before.erased + 1]);
    expect(after.byMaster['mk-1'] ?? 0).toBe((before.byMaster['mk-1'] ?? 0) - 1);
  });
}

function regionCases(keys: () => SubjectKeyStore): void {
  test('a subject is found by what stands for it in all regions', async () => {
    const [shared, one] = [freshName('shared'), freshName('subject')];
    expect(await keys().linked(shared)).toEqual([]);
    for (let twice = 0; twice < 2; twice++) await keys().link([{ shared, subject: one, check: 'c-1' }]);
    expect(await keys().linked(shared)).toEqual([one]);
  });

  test('what stands for a subject in all regions is gone with its last key, and comes back with who comes back', async () => {
    const [shared, subject, another] = [freshName('shared'), freshName('subject'), freshName('subject')];
    const [one, other] = [fresh(subject), { ...fresh(subject), tenant: 'acme' }];
    await keys().ensure([one, other, fresh(another)]);
    await keys().link([subject, another].map((each) => ({ shared, subject: each, check: 'c-1' })));
    await keys().erase([one.keyId], 1, commitOf(subject));
    expect(await keys().linked(shared)).toEqual([subject, another].toSorted());
    await keys().erase([other.keyId], 1, commitOf(freshName('subject')));
    expect(await keys().linked(shared)).toEqual([another]);
    await keys().ensure([fresh(subject)]);
    await keys().link([{ shared, subject, check: 'c-1' }]);
    expect((await keys().linked(shared)).toSorted()).toEqual([subject, another].toSorted());
  });

  test('keys with a name are found until their subjects are linked by a secret, whatever they were linked by before', async () => {
    const [one, erased, nameless, check] = [fresh(), fresh(), { ...fresh(), sealedName: undefined }, freshName('check')];
    await keys().ensure([one, erased, nameless]);
    await keys().erase([erased.keyId], 1, commitOf(erased.subject));
    await keys().link([{ shared: freshName('shared'), subject: one.subject, check: 'another' }]);
    const unlinked = async (): Promise<readonly (string | undefined)[]> => {
      const found = await keys().unlinked({ check, after: '', limit: 1000 });
      return [one, erased, nameless].map(({ keyId }) => found.find((key) => key.keyId === keyId)?.sealedName);
    };
    expect(await unlinked()).toEqual([one.sealedName, undefined, undefined]);
    const before = (await keys().counts()).unnamed;
    await keys().name([{ keyId: nameless.keyId, sealedName: 'its name' }, { ...one, sealedName: 'another' }, { ...erased }]);
    expect((await keys().counts()).unnamed).toBe(before - 1);
    expect(await unlinked()).toEqual([one.sealedName, undefined, 'its name']);
    expect((await keys().byId([erased.keyId]))[0]?.sealedName).toBeUndefined();
    const [first] = await keys().unlinked({ check, after: '', limit: 1 });
    expect((await keys().unlinked({ check, after: first?.keyId ?? '', limit: 1000 })).map(({ keyId }) => keyId)).not.toContain(first?.keyId);
    await keys().link([{ shared: freshName('shared'), subject: one.subject, check }]);
    expect(await unlinked()).toEqual([undefined, undefined, 'its name']);
  });

  test('a key that another region destroyed counts as erased and is heard of; one of this region stays', async () => {
    const [own, foreign] = [fresh(), fresh()];
    await keys().ensure([own]);
    const { last } = await keys().erasures(0n);
    for (let twice = 0; twice < 2; twice++) await keys().noteErased([own, foreign], 1_790_000_000_000);
    expect(await keys().byId([foreign.keyId])).toMatchObject([{ key: undefined, erasedAtMs: 1_790_000_000_000 }]);
    expect((await keys().byId([own.keyId]))[0]?.key).toBeDefined();
    expect((await keys().erasures(last)).keyIds).toEqual([foreign.keyId]);
  });
}

function keptCases(kept: () => KeptErasures): void {
  test('erasures of other regions wait in the order in which they were heard of, once each, until they are settled', async () => {
    const [origin, subject] = [freshName('region'), freshName('subject')];
    const erasure = (at: number, check: string): KeptErasure => ({
      ...{ eventId: `${origin}-${9 - at}`, origin, subject: at === 3 ? 'other' : subject, check, heardAtMs: 1_790_000_000_000 + at },
      order: { keyIds: ['k'], reason: `no. ${at}`, ofTenant: null },
    });
    const all = [erasure(1, 'c-1'), erasure(2, 'c-2'), erasure(3, 'c-1')];
    for (const one of [...all, { ...all[0], check: 'c-9' } as KeptErasure]) await kept().keep(one);
    const mine = async (after?: string): Promise<readonly KeptErasure[]> => (await kept().kept(1000, after)).filter((one) => one.origin === origin);
    expect(await mine()).toEqual(all);
    expect(await mine(all[0]?.eventId)).toEqual(all.slice(1));
    expect((await kept().kept(1)).length).toBe(1);
    expect(await kept().of(origin, subject)).toEqual(all.slice(0, 2));
    const counts = async () => (await kept().counts()).filter((one) => one.origin === origin);
    expect(await counts()).toEqual([
      { origin, check: 'c-1', count: 2, oldestAtMs: 1_790_000_000_001 },
      { origin, check: 'c-2', count: 1, oldestAtMs: 1_790_000_000_002 },
    ]);
    for (let twice = 0; twice < 2; twice++) await kept().settle(all.slice(0, 2).map(({ eventId }) => eventId));
    expect(await mine()).toEqual(all.slice(2));
    await kept().settle(all.map(({ eventId }) => eventId));
    expect(await counts()).toEqual([]);
  });
}
