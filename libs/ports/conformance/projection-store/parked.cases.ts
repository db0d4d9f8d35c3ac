import { describe, expect, test } from '@jest/globals';
import type { HoldChanges, NewParkedEvent, ParkedEvent, ParkedPlace, RedriveOutcome } from '../../parked-events.port.ts';
import { operatingError } from '../subject.ts';
import { home, keyOf, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

const fenced = operatingError('CHECKPOINT_FENCED');
const failure = { code: 'PROJECTION_FAILED', message: 'cannot count', stack: 'RangeError: cannot count\n    at project (dist/x.js:1:2)' };
/** No text of PostgreSQL holds a NUL or half a pair; a key of the log does. */
const oddKey = 'key "\\ \0 \ud800';

/** Nor is a tenant's name one's own to choose. */
const tenant = 'acme\n\0';

function poisoned(offset: bigint, key = oddKey): NewParkedEvent {
  return { offset, key, tenant, eventId: `id-${offset}`, eventType: 'stream.started', recordedAtMs: 1_790_000_000_123, failure, attempts: 5 };
}

const holds = (changes: Partial<HoldChanges>): HoldChanges => ({ parked: [], held: [], released: [], ...changes });

export function parkedCases(subject: () => ProjectionSubject): void {
  describe('parked events', () => {
    /** A partition in which 10 is parked, and two wait behind it. */
    async function given(): Promise<{ readonly driver: ProjectionDriver; readonly place: ParkedPlace; readonly show: () => Promise<ParkedEvent | undefined> }> {
      const { projections, parked } = subject();
      const driver = await ProjectionDriver.open(subject());
      const { projection } = driver;
      const changes = [driver.change(keyOf('r'), { most: 1 })];
      const first = holds({ parked: [poisoned(10n)], held: [{ key: oddKey, tenant, count: 1, last: 12n }] });
      await projections.commit({ projection, at: home, from: 0n, to: 13n, epoch: 1n, changes, holds: first });
      await projections.commit({
        projection,
        at: home,
        from: 13n,
        to: 15n,
        epoch: 1n,
        changes: [],
        holds: holds({ held: [{ key: oddKey, tenant, count: 1, last: 14n }] }),
      });
      const place = { ...home, projection: projection.name, version: projection.version, offset: 10n };
      return { driver, place, show: () => parked.show(place) };
    }

    const redrive = ({ projection }: ProjectionDriver, from: bigint, to: bigint, applied: number, outcome: RedriveOutcome, epoch = 1n): Promise<void> =>
      subject().projections.redrive({ projection, at: home, epoch, offset: 10n, from, to, applied, changes: [], outcome });

    test('are set aside with the rows and the checkpoint, and are what blocks the partition', async () => {
      const { driver, place } = await given();
      const { parked } = subject();
      const [event, ...others] = await parked.blocking(driver.projection, home);
      expect(others).toEqual([]);
      const expected = {
        ...place,
        ...poisoned(10n),
        late: false,
        state: 'parked',
        next: 10n,
        held: 2,
        applied: 0,
        order: undefined,
        orderFailed: false,
        told: false,
      };
      expect(event).toEqual({ ...expected, parkedAtMs: expect.any(Number) });
      expect(await parked.blocking(driver.projection, { ...home, partition: home.partition + 1 })).toEqual([]);
      expect((await parked.list({ projection: place.projection, key: oddKey, limit: 10 })).map(({ offset }) => offset)).toEqual([10n]);
      expect(await parked.list({ projection: place.projection, key: 'another', limit: 10 })).toEqual([]);
      expect((await driver.row())['most']).toBe(1);
    });

    test('are each behind its own tenant’s event of a key; of a version that knew no tenants, behind the key’s', async () => {
      const { driver } = await given();
      const { projection } = driver;
      const { projections, parked } = subject();
      const queues = [poisoned(20n), { ...poisoned(21n), tenant: 'beta' }, { ...poisoned(22n, 'of all'), tenant: undefined }];
      const [, beta, all] = queues as [NewParkedEvent, NewParkedEvent, NewParkedEvent];
      const held = [
        { key: oddKey, tenant, count: 3, last: 28n },
        { key: oddKey, tenant: 'beta', count: 1, last: 26n },
        { key: all.key, tenant: undefined, count: 2, last: 29n },
      ];
      const commit = { projection, at: home, from: 15n, to: 30n, epoch: 1n, changes: [] };
      // Behind what is not there nothing can wait: it would never be taken.
      const lost = [...held, { key: all.key, tenant: 'beta', count: 9, last: 29n }];
      await expect(projections.commit({ ...commit, holds: holds({ parked: [beta, all], held: lost }) })).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
      await projections.commit({ ...commit, holds: holds({ parked: [beta, all], held }) });
      const stored = await parked.blocking(projection, home);
      expect(stored.map((one) => [one.offset, one.tenant, one.key, one.held])).toEqual([
        [10n, tenant, oddKey, 5],
        [21n, 'beta', oddKey, 1],
        [22n, undefined, 'of all', 2],
      ]);
      expect((await parked.list({ projection: projection.name, key: oddKey, limit: 10 })).map(({ offset }) => offset).sort()).toEqual([10n, 21n]);
    });

    test('are not set aside by a commit that is refused', async () => {
      const { driver, show } = await given();
      const { projection } = driver;
      const { projections, parked } = subject();
      const commit = {
        projection,
        at: home,
        from: 14n,
        to: 20n,
        epoch: 1n,
        changes: [],
        holds: holds({ parked: [poisoned(16n, 'other')], held: [{ key: oddKey, tenant, count: 9, last: 19n }] }),
      };
      await expect(projections.commit(commit)).rejects.toEqual(fenced);
      expect((await parked.blocking(projection, home)).length).toBe(1);
      expect((await show())?.held).toBe(2);
    });

    test('are redriven from where the queue stands, and freed by a commit', async () => {
      const { driver, show } = await given();
      const { projection } = driver;
      const { projections, parked } = subject();
      await redrive(driver, 10n, 13n, 2, { kind: 'progress' });
      expect(await show()).toMatchObject({ next: 13n, held: 1, applied: 2 });
      await expect(redrive(driver, 10n, 13n, 2, { kind: 'progress' })).rejects.toEqual(fenced);
      await expect(redrive(driver, 13n, 15n, 1, { kind: 'progress' }, 0n)).rejects.toEqual(fenced);
      await redrive(driver, 13n, 15n, 1, { kind: 'progress' });
      const free = (next: bigint, from: bigint) =>
        projections.commit({ projection, at: home, from, to: from, epoch: 1n, changes: [], holds: holds({ released: [{ offset: 10n, next, at: 15n }] }) });
      await expect(free(14n, 15n)).rejects.toEqual(fenced);
      await free(15n, 15n);
      expect(await show()).toMatchObject({ state: 'redriven', held: 0, applied: 3 });
      expect(await parked.blocking(projection, home)).toEqual([]);
      await expect(free(15n, 15n)).rejects.toEqual(fenced);
      const again = holds({ parked: [poisoned(16n)], held: [{ key: oddKey, tenant, count: 1, last: 17n }] });
      await projections.commit({ projection, at: home, from: 15n, to: 18n, epoch: 1n, changes: [], holds: again });
      expect((await parked.blocking(projection, home)).map(({ offset, held }) => [offset, held])).toEqual([[16n, 1]]);
    });

    test('write the rows of a redrive with it', async () => {
      const { driver } = await given();
      const { projection } = driver;
      const commit = { projection, at: home, epoch: 1n, offset: 10n, from: 10n, to: 11n, applied: 1, outcome: { kind: 'progress' } as const };
      await subject().projections.redrive({ ...commit, changes: [driver.change(keyOf('r'), { most: 7 })] });
      await expect(subject().projections.redrive({ ...commit, changes: [driver.change(keyOf('r'), { most: 9 })] })).rejects.toEqual(fenced);
      expect((await driver.row())['most']).toBe(7);
    });

    test('take one order at a time, and tell what became of it once', async () => {
      const { driver, place, show } = await given();
      const { parked } = subject();
      const mine = async (events: Promise<readonly ParkedEvent[]>): Promise<readonly bigint[]> =>
        (await events).filter(({ projection }) => projection === place.projection).map(({ offset }) => offset);
      expect(await mine(parked.untold(1000))).toEqual([10n]);
      await parked.told((await show()) as ParkedEvent);
      expect(await mine(parked.untold(1000))).toEqual([]);
      expect(await parked.order(place, { id: 'one', verb: 'retry' })).toBe(true);
      expect(await parked.order(place, { id: 'one', verb: 'retry' })).toBe(true);
      expect(await parked.order(place, { id: 'two', verb: 'discard' })).toBe(false);
      expect(await mine(parked.ordered())).toEqual([10n]);
      const worse = { code: 'DATABASE_VALUE_INVALID', message: 'worse', stack: '' };
      await redrive(driver, 10n, 10n, 0, { kind: 'failed', failure: worse });
      expect(await show()).toMatchObject({ state: 'parked', attempts: 6, failure: worse, orderFailed: true, next: 10n, held: 2 });
      expect([await mine(parked.ordered()), await mine(parked.untold(1000))]).toEqual([[], [10n]]);
      expect(await parked.order(place, { id: 'two', verb: 'discard' })).toBe(false);
      await parked.told((await show()) as ParkedEvent);
      expect(await show()).toMatchObject({ orderFailed: false, order: undefined });
      expect(await parked.order(place, { id: 'two', verb: 'discard' })).toBe(true);
      await redrive(driver, 10n, 12n, 1, { kind: 'moved', parked: { ...poisoned(12n), attempts: 1 } });
      expect(await show()).toMatchObject({ state: 'discarded', order: { id: 'two', verb: 'discard' } });
      const [heir, ...others] = await parked.blocking(driver.projection, home);
      expect([heir?.offset, heir?.held, heir?.next, heir?.told, others]).toEqual([12n, 1, 12n, false, []]);
      await parked.told((await show()) as ParkedEvent);
      expect(await show()).toBeUndefined();
      expect(await parked.order(place, { id: 'three', verb: 'retry' })).toBe(false);
    });

    test('that nobody could read are ordered of each version that has passed them', async () => {
      const { driver, place } = await given();
      const { parked, projections } = subject();
      const versions = [place, { projection: place.projection, version: 9 }].map(({ projection, version }) => ({ projection, version }));
      const late = (offset: bigint) => ({ ...home, offset, eventId: 'x', eventType: 'stream.started', recordedAtMs: 5 });
      expect(await parked.orderLate(late(3n), { id: 'l', verb: 'retry' }, versions)).toBe(1);
      expect(await parked.orderLate(late(3n), { id: 'l', verb: 'retry' }, versions)).toBe(1);
      expect(await parked.orderLate(late(15n), { id: 'm', verb: 'retry' }, versions)).toBe(0);
      const stored = (await parked.blocking(driver.projection, home)).filter((one) => one.late);
      expect(stored).toMatchObject([{ offset: 3n, key: '', told: true, order: { id: 'l', verb: 'retry' } }]);
      expect((await parked.list({ projection: place.projection, limit: 10 })).length).toBe(1);
      await projections.redrive({
        projection: driver.projection,
        at: home,
        epoch: 1n,
        offset: 3n,
        from: 3n,
        to: 4n,
        applied: 1,
        changes: [],
        outcome: { kind: 'taken' },
      });
      const taken = (await parked.show({ ...place, offset: 3n })) as ParkedEvent;
      expect(taken).toMatchObject({ state: 'redriven', late: true });
      await parked.told(taken);
      expect(await parked.show({ ...place, offset: 3n })).toBeUndefined();
    });

    test('are forgotten by a reset', async () => {
      const { driver, show } = await given();
      await subject().projections.reset(driver.projection);
      expect(await show()).toBeUndefined();
      expect(await subject().parked.blocking(driver.projection, home)).toEqual([]);
    });
  });
}
