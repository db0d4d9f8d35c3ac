import { purgeTargets } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { asking, nothing, object, openStore, textOf } from './disk-store.fixture.ts';
import { kindDisk, SimFolder } from './sim-folder.fixture.ts';

describe('the disk store', () => {
  test('what was asked for twice comes back, also after a restart; what was asked for once was never written', async () => {
    const folder = new SimFolder(1);
    const { store } = await openStore(folder.start(kindDisk));
    store.filled(object('/once', 'once'));
    const twice = object('/twice', 'twice');
    store.filled(twice);
    store.used(twice);
    store.filled(object('/again', 'first'));
    store.filled(object('/again', 'second'));
    await store.settled();
    const seen = async (from: typeof store): Promise<unknown[]> =>
      Promise.all(['/once', '/twice', '/again'].map(async (key) => textOf(await from.recall(key, nothing))));
    expect(await seen(store)).toEqual([undefined, 'twice', 'second']);
    expect(store.status()).toMatchObject({ state: 'on', objects: 2, hits: 2, written: 2, faults: 0 });
    await store.close();
    const { store: next } = await openStore(folder.start(kindDisk));
    expect(await seen(next)).toEqual([undefined, 'twice', 'second']);
    expect((await next.recall('/twice', nothing))?.response).toEqual(twice.response);
    expect(next.journal.storeId).toBe(store.journal.storeId);
  });

  test('what the system has in memory comes at once and byte for byte, and a damaged record does not come either way', async () => {
    const folder = new SimFolder(11);
    const { store, troubles } = await openStore(folder.start(kindDisk));
    expect(store.recallNow('/a', nothing, false)).toBeUndefined();
    for (const language of ['de', 'en']) store.used(object('/a', `body ${language}`, { language }));
    await store.settled();
    // Every other read, as the dice say, would have to wait.
    const seen = Array.from({ length: 100 }, (_, at) => textOf(store.recallNow('/a', asking('de'), at % 2 === 0)));
    expect(new Set(seen)).toEqual(new Set(['body de', undefined]));
    expect(Array.from({ length: 100 }, () => store.recallNow('/a', asking('fr'), false)).filter((one) => one !== undefined)).toEqual([]);
    expect(store.status().hits).toBe(seen.filter((text) => text !== undefined).length);
    store.forget(object('/a', 'body en', { language: 'en' }));
    folder.damage('segment-1.dat');
    folder.damage('segment-1.dat', 0.25);
    expect(Array.from({ length: 100 }, () => store.recallNow('/a', asking('de'), false)).filter((one) => one !== undefined)).toEqual([]);
    expect([await store.recall('/a', asking('de')), store.status().faults, store.status().objects]).toEqual([undefined, 1, 0]);
    expect(troubles).toEqual(['damaged records on the disk are left out, and the origin is asked again: 1 so far']);
  });

  test('many damaged records are told once a minute', async () => {
    const folder = new SimFolder(12);
    const clock = { ms: 0 };
    const { store, troubles } = await openStore(folder.start(kindDisk), {}, { now: () => clock.ms });
    for (let at = 0; at < 6; at++) store.used(object(`/${at}`, 'body'));
    await store.settled();
    for (let share = 0.001; share < 1; share += 0.001) folder.damage('segment-1.dat', share);
    for (let at = 0; at < 5; at++) expect(await store.recall(`/${at}`, nothing)).toBeUndefined();
    clock.ms = 60_000;
    await store.recall('/5', nothing);
    expect(troubles.map((told) => told.replace(/^.*: /, ''))).toEqual(['1 so far', '6 so far']);
  });

  test('variants are told apart, the newest of one counts, and a purge takes all of them', async () => {
    const { store } = await openStore(new SimFolder(2).start(kindDisk));
    for (const [language, body] of [
      ['de', 'alt'],
      ['en', 'hello'],
      ['de', 'hallo'],
    ] as const) {
      const one = object('/a', body, { language });
      store.filled(one);
      store.used(one);
      await store.settled();
    }
    expect([textOf(await store.recall('/a', asking('de'))), textOf(await store.recall('/a', asking('en')))]).toEqual(['hallo', 'hello']);
    expect(await store.recall('/a', asking('fr'))).toBeUndefined();
    expect([store.mayHold('/a'), store.purge('/a'), store.purge('/a'), store.mayHold('/a')]).toEqual([true, 2, 0, false]);
  });

  test('what was purged, replaced or found outdated while it waited to be written does not get there', async () => {
    const { ledger, store } = await openStore(new SimFolder(3).start(kindDisk));
    const [purged, outdated, old] = [object('/purged', 'x'), object('/outdated', 'x'), object('/old', 'old')];
    for (const one of [purged, outdated, old]) store.used(one);
    ledger.purge(purgeTargets.key('/purged'));
    store.purge('/purged');
    for (const one of [outdated, old]) store.forget(one);
    store.filled(object('/old', 'new'));
    await store.settled();
    for (const key of ['/purged', '/outdated', '/old']) expect(await store.recall(key, nothing)).toBeUndefined();
  });

  test('what is good for a moment only is not written, and what is of no use any more is not read', async () => {
    let nowMs = 0;
    const { store } = await openStore(new SimFolder(4).start(kindDisk), {}, { now: () => nowMs });
    store.used(object('/live.m3u8', 'x', { control: 'max-age=1' }));
    store.used(object('/hour', 'x', { control: 'max-age=3600, must-revalidate' }));
    await store.settled();
    expect(store.status().objects).toBe(1);
    expect(await store.recall('/hour', nothing)).toBeDefined();
    nowMs = 30 * 86_400_000;
    expect(await store.recall('/hour', nothing)).toBeUndefined();
    expect(store.status().objects).toBe(0);
  });

  test('from nine tenths on the oldest segment goes, and what was used of it stays', async () => {
    const folder = new SimFolder(5);
    const { store } = await openStore(folder.start(kindDisk));
    const body = 'y'.repeat(4000);
    for (let at = 0; at < 300; at++) {
      store.used(object(`/o/${at}`, body));
      await store.settled();
      await store.recall('/o/0', nothing);
      expect(store.status().bytes).toBeLessThanOrEqual(512 * 1024);
    }
    expect(textOf(await store.recall('/o/0', nothing))).toBe(body);
    expect(await store.recall('/o/1', nothing)).toBeUndefined();
    expect(textOf(await store.recall('/o/299', nothing))).toBe(body);
    expect(store.status().segments).toBeLessThanOrEqual(9);
    await store.close();
    const { store: next } = await openStore(folder.start(kindDisk));
    expect(textOf(await next.recall('/o/0', nothing))).toBe(body);
    expect(next.status().objects).toBe(store.status().objects);
  });

  test('a full disk is given back its room, and writing goes on after a while', async () => {
    let nowMs = 0;
    const folder = new SimFolder(6);
    const { store, troubles } = await openStore(folder.start({ ...kindDisk, bytesMax: 200_000 }), {}, { now: () => nowMs });
    for (let at = 0; at < 60; at++) {
      store.used(object(`/o/${at}`, 'z'.repeat(5000)));
      await store.settled();
    }
    expect(store.status()).toMatchObject({ state: 'paused', reason: 'the disk is full' });
    expect(troubles).toEqual([expect.stringContaining('the disk is full')]);
    nowMs = 2000;
    store.used(object('/late', 'late'));
    await store.settled();
    expect([textOf(await store.recall('/late', nothing)), store.status().state]).toEqual(['late', 'on']);
  });

  test('a disk that fails again and again is used no more, and what lies there is nothing to a successor', async () => {
    const folder = new SimFolder(7);
    const { store } = await openStore(folder.start(kindDisk));
    const id = store.journal.storeId;
    store.used(object('/a', 'a'));
    await store.settled();
    await store.close();
    const bad = await openStore(folder.start({ ...kindDisk, errors: 1 }));
    await bad.store.journal.flush();
    expect(bad.store.status()).toMatchObject({ state: 'off', objects: 0 });
    expect([bad.store.journal.storeId, await bad.store.recall('/a', nothing), bad.troubles.length > 0]).toEqual([undefined, undefined, true]);
    expect(id).toBeDefined();
  });

  test.each(['snapshot-1', 'journal-1'])('with a damaged %s nothing is believed', async (name) => {
    const folder = new SimFolder(8);
    const { store } = await openStore(folder.start(kindDisk), { journalBytesMax: 1e9 });
    for (let at = 0; at < 9; at++) {
      store.used(object(`/${at}`, 'a'));
      await store.settled();
      await store.journal.flush();
    }
    folder.crash(false);
    folder.damage(name);
    const { store: next } = await openStore(folder.start(kindDisk));
    expect([next.status().objects, next.journal.storeId === store.journal.storeId]).toEqual([0, false]);
    expect(folder.names().filter((file) => file.startsWith('segment'))).toEqual([]);
  });

  test('a read that hangs holds nobody up for long, and nobody else at all until it has ended', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = new SimFolder(9).start(kindDisk);
    const { store } = await openStore({
      ...slow,
      create: async (name) => {
        const file = await slow.create(name);
        return { ...file, read: (into, position) => gate.promise.then(() => file.read(into, position)) };
      },
    });
    store.used(object('/a', 'a'));
    await store.settled();
    const waiting = store.recall('/a', nothing);
    expect(await waiting).toBeUndefined();
    expect(await store.recall('/a', nothing)).toBeUndefined();
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(textOf(await store.recall('/a', nothing))).toBe('a');
  });
});
