import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryAggregateStore, MemoryOutbox } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { formatApiKey, parseApiKey, type ApiKey, type KeyGrant, type Principal } from '#domain/access';
import type { AggregateHead } from '#ports';
import { CommandExecutor } from '#runtime';
import { ensureAdminKey } from './admin-key.ts';
import { Authenticator } from './authenticator.ts';
import { KeyAuthority } from './key-authority.ts';
import { KeyIssuer } from './key-issuer.ts';
import { TenantStandings } from './tenant-standings.ts';

const viewer: KeyGrant = { name: 'a', scopes: ['view'], tenant: 'default', contexts: null, expiresAtMs: 0, ratePerMinute: null };
const meta = { actor: 'system:test', correlationId: 'c-1' };
let clock: ManualClock;
let aggregates: MemoryAggregateStore;
let loads: number;
let away: boolean;
let issuer: KeyIssuer;
let authority: KeyAuthority;

async function principalOf(key: string): Promise<Principal | undefined> {
  const shown = await authority.verify(key);
  return shown.refused ? undefined : shown.principal;
}

async function reasonOf(key: string): Promise<string | undefined> {
  const shown = await authority.verify(key);
  return shown.refused ? shown.reason : undefined;
}

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  aggregates = new MemoryAggregateStore(new MemoryOutbox(clock));
  loads = 0;
  away = false;
  const counting = Object.assign(Object.create(aggregates) as MemoryAggregateStore, {
    load: (...args: Parameters<MemoryAggregateStore['load']>) => {
      loads++;
      return away ? Promise.reject(new Error('away')) : aggregates.load(...args);
    },
  });
  issuer = new KeyIssuer(new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/test' }), clock);
  authority = new KeyAuthority(counting, clock);
});

describe('whose key is it', () => {
  test('the holder is known by the secret, not by the id', async () => {
    const { id, key } = await issuer.issue(viewer, meta);
    const principal = { kind: 'key', id, actor: `key:${id}`, tenant: 'default', scopes: ['view'], expiresAtMs: 0 };
    expect(await authority.verify(key)).toEqual({ refused: false, principal, proof: parseApiKey(key)?.secret });
    const other = await issuer.issue({ ...viewer, scopes: ['admin'] }, meta);
    const mixed: ApiKey = { keyId: other.id, secret: (parseApiKey(key) as ApiKey).secret };
    expect(await reasonOf(formatApiKey(mixed))).toBe('wrong-secret');
    expect(await reasonOf('nonsense')).toBe('malformed');
    expect(await reasonOf(formatApiKey({ ...mixed, keyId: 'k-none' }))).toBe('unknown-key');
  });

  test('a key ends at its time, remembered or not', async () => {
    const { key } = await issuer.issue({ ...viewer, expiresAtMs: 1_000_100 }, meta);
    expect(await principalOf(key)).toBeDefined();
    clock.advance(100);
    expect(await reasonOf(key)).toBe('expired');
  });

  test('one that another process revokes works for three seconds more, and not longer', async () => {
    const { id, key } = await issuer.issue(viewer, meta);
    await authority.verify(key);
    await issuer.revoke(id, 'lost', meta);
    clock.advance(2_999);
    expect(await principalOf(key)).toBeDefined();
    clock.advance(1);
    expect(await reasonOf(key)).toBe('revoked');
  });

  test.each([-7_200_000, 7_200_000])('one that another process revokes ends also when the clock jumps by %i ms', async (jumpMs) => {
    clock.advance(20_000_000);
    const { id, key } = await issuer.issue(viewer, meta);
    await authority.verify(key);
    await issuer.revoke(id, 'lost', meta);
    clock.advance(jumpMs);
    clock.advance(3_000);
    expect(await reasonOf(key)).toBe('revoked');
  });

  test('a rotated key: the secret before works to the end of the overlap, here at once and elsewhere in three seconds', async () => {
    const before = await issuer.issue(viewer, meta);
    expect(await principalOf(before.key)).toBeDefined();
    const after = await issuer.rotate(before.id, { overlapMs: 10_000, reason: '' }, meta);
    authority.forget(before.id);
    expect([await reasonOf(before.key), await reasonOf(after.key)]).toEqual([undefined, undefined]);
    clock.advance(9_999);
    expect(await reasonOf(before.key)).toBeUndefined();
    clock.advance(1);
    expect([await reasonOf(before.key), await reasonOf(after.key)]).toEqual(['wrong-secret', undefined]);
    const last = await issuer.rotate(before.id, { overlapMs: 0, reason: '' }, meta);
    clock.advance(3_000);
    expect([await reasonOf(after.key), await reasonOf(last.key)]).toEqual(['wrong-secret', undefined]);
  });

  test('a head from before there were tenants is a key of the platform', async () => {
    const { key } = await issuer.issue(viewer, meta);
    const head = (await aggregates.load('access', parseApiKey(key)?.keyId ?? '')) as AggregateHead;
    const { status, keyId, name, secretHash, scopes, expiresAtMs } = head.state as Record<string, unknown>;
    await aggregates.restore('access', [{ id: 'k-old0', version: 1n, state: { status, keyId, name, secretHash, scopes, expiresAtMs }, tenant: 'default' }]);
    const old = formatApiKey({ keyId: 'k-old0', secret: parseApiKey(key)?.secret ?? '' });
    expect(await principalOf(old)).toMatchObject({ tenant: 'default', scopes: ['view'] });
    expect((await principalOf(old))?.contexts).toBeUndefined();
    expect(await principalOf((await issuer.rotate('k-old0', { overlapMs: 0, reason: '' }, meta)).key)).toBeUndefined();
    authority.forget('k-old0');
    expect(await reasonOf(old)).toBe('wrong-secret');
  });

  test('keys are not looked up for each request, unknown ones neither', async () => {
    const { key } = await issuer.issue(viewer, meta);
    for (let at = 0; at < 10; at++) await authority.verify(key);
    await Promise.all(Array.from({ length: 10 }, () => authority.verify(`sk_k-guess_${'a'.repeat(52)}`)));
    expect(loads).toBe(2);
  });

  test('an engine that is away is asked again, and ends no open stream', async () => {
    const { key } = await issuer.issue(viewer, meta);
    const principal = (await principalOf(key)) as Principal;
    const authenticator = new Authenticator(authority, new TenantStandings(aggregates, clock));
    expect(await authenticator.stillHolds(key, principal)).toBe(true);
    expect(await authenticator.stillHolds(key, { ...principal, scopes: ['view', 'admin'] })).toBe(false);
    expect(await authenticator.authenticate(undefined)).toMatchObject({ refused: true, reason: 'no-credential' });
    clock.advance(3_000);
    away = true;
    await expect(authenticator.authenticate(key)).rejects.toThrow('away');
    expect(await authenticator.stillHolds(key, principal)).toBe(true);
    away = false;
    expect(await principalOf(key)).toEqual(principal);
    await issuer.revoke(principal.id, 'lost', meta);
    clock.advance(3_000);
    expect(await authenticator.stillHolds(key, principal)).toBe(false);
  });
});

describe('the first admin key', () => {
  test('is made once, by whoever comes first, and never again', async () => {
    const made = await Promise.all([ensureAdminKey(aggregates, issuer, meta), ensureAdminKey(aggregates, issuer, meta)]);
    const keys = made.filter((each) => each !== undefined);
    expect(keys).toHaveLength(1);
    expect((await principalOf(keys[0]?.key ?? ''))?.scopes).toEqual(['admin']);
    await issuer.revoke('k-admin', 'rotated', meta);
    expect(await ensureAdminKey(aggregates, issuer, meta)).toBeUndefined();
  });
});
