import { describe, expect, test } from '@jest/globals';
import { checksum } from '../store/open-disk.ts';
import { SharedTier, type SharedTicket } from './shared-tier.ts';
import type { SharedWrite } from './shared-store.ts';
import { TierGuard } from './tier-guard.ts';

const nowMs = 1_000_000;
const body = new TextEncoder().encode('body');
const fields = [['content-type', 'text/css']] as const;
const freshness = {
  bornAtMs: nowMs,
  validatedAtMs: nowMs,
  freshUntilMs: nowMs + 60_000,
  staleWhileRevalidateUntilMs: 0,
  staleIfErrorUntilMs: 0,
  mayBeStale: true,
};
const response = { status: 200, fields, validators: { etag: undefined, lastModified: undefined }, freshness, variant: { names: [], values: [] } };
const zoneOf = (key: string): string => key.split('.', 1)[0] as string;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A tier over a server whose clock is not the edge's, and whose time a test moves. */
function bench() {
  const values = new Map<string, SharedWrite>();
  const server = { ms: 50_000_000, away: false, silent: false, full: false, reads: 0 };
  const edge = { ms: nowMs, positions: [5n, 5n] as readonly bigint[] | undefined };
  const changes: (string | undefined)[] = [];
  const guard = new TierGuard({ now: () => edge.ms, onChange: (state, reason) => changes.push(`${state}: ${reason}`) });
  const store = {
    read: async (name: string) => {
      server.reads++;
      if (server.away) throw new Error('not there');
      if (server.silent) await new Promise(() => undefined);
      const found = values.get(name);
      return { bytes: found === undefined || found.untilMs <= server.ms ? undefined : found.bytes, serverMs: server.ms };
    },
    write: async (writes: readonly SharedWrite[]) => {
      if (server.full) throw new Error('OOM command not allowed');
      for (const write of writes) values.set(write.name, write);
    },
    remove: async (names: readonly string[]) => names.forEach((name) => values.delete(name)),
    reconnect: () => undefined,
  };
  const known = () => (edge.positions === undefined ? undefined : { log: 'l', positions: edge.positions });
  const tier = new SharedTier({ waitMs: 5, objectBytesMax: 100 }, { store, guard, purges: { holds: () => true }, known, zoneOf, checksum, now: () => edge.ms });
  const find = (key: string) => {
    const ticket = tier.open(key) as SharedTicket;
    return tier.find({ ticket, request: { field: () => undefined }, labelsOf: () => [] });
  };
  const put = async (key: string, what = response, bytes = body): Promise<void> => {
    const ticket = tier.open(key) as SharedTicket;
    await tier.find({ ticket, request: { field: () => undefined }, labelsOf: () => [] });
    tier.put(ticket, what, bytes);
    await settle();
  };
  return { tier, values, server, edge, changes, find, put };
}

describe('the tier that edges share', () => {
  test('gives back what is no fresher than it was, by the clock of the server', async () => {
    const { edge, find, put, server } = bench();
    await put('/a');
    server.ms += 20_000;
    // The clock of this edge says something else altogether.
    edge.ms = 7_000_000;
    const found = await find('/a');
    expect(found?.body).toEqual(Buffer.from(body));
    expect(Math.round((found?.response.freshness.freshUntilMs ?? 0) / 100)).toBe((7_000_000 + 40_000) / 100);
    server.ms += 41_000;
    expect(await find('/a')).toBeUndefined();
  });

  test('takes nothing that is too large, or hardly fresh, and is asked nothing while nobody knows what was purged', async () => {
    const { edge, put, tier, values } = bench();
    await put('/large', response, new Uint8Array(101));
    await put('/brief', { ...response, freshness: { ...freshness, freshUntilMs: nowMs + 500 } });
    expect(values.size).toBe(0);
    edge.positions = undefined;
    expect(tier.open('/a')).toBeUndefined();
  });

  test('is of no use for a zone that came or changed, before this edge had read so far; for others it is', async () => {
    const { edge, find, put, tier } = bench();
    for (const key of ['z.1/a', 'y.1/a']) await put(key);
    tier.zoneChanged('z');
    edge.positions = [5n, 6n];
    expect([await find('z.1/a'), (await find('y.1/a'))?.body.length]).toEqual([undefined, 4]);
    await put('z.1/b');
    edge.positions = [9n, 9n];
    expect([(await find('z.1/b'))?.body.length, await find('z.1/a')]).toEqual([4, undefined]);
  });

  test('that is silent costs three requests the wait, then one a second', async () => {
    const { changes, edge, find, put, server, tier } = bench();
    await put('/a');
    server.silent = true;
    const before = server.reads;
    for (let turn = 0; turn < 10; turn++) expect(await find('/a')).toBeUndefined();
    expect(server.reads - before).toBe(3);
    edge.ms += 1000;
    for (let turn = 0; turn < 10; turn++) await find('/a');
    expect(server.reads - before).toBe(4);
    server.silent = false;
    edge.ms += 1000;
    expect((await find('/a'))?.body.length).toBe(4);
    expect(changes).toEqual(['away: no answer within 5 ms', 'on: undefined']);
    expect(tier.status()).toMatchObject({ state: 'on', late: 4, hits: 1 });
  });

  test('that refuses is left alone at once, and one that is full is read', async () => {
    const { changes, edge, find, put, server } = bench();
    await put('/a');
    server.full = true;
    await put('/b');
    expect([(await find('/a'))?.body.length, changes.length]).toEqual([4, 1]);
    server.full = false;
    edge.ms += 1000;
    await put('/b');
    server.away = true;
    expect(await find('/a')).toBeUndefined();
    expect(changes).toEqual([expect.stringMatching(/^full: /), 'on: undefined', 'away: not there']);
  });

  test('is not believed about what a request has changed here, until something newer was put there', async () => {
    const { find, put, tier } = bench();
    await put('/a');
    tier.forget(['/a']);
    await settle();
    expect(await find('/a')).toBeUndefined();
    await put('/a');
    expect((await find('/a'))?.body.length).toBe(4);
  });
});
