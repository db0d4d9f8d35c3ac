import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryAggregateStore, MemoryOutbox } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { formatApiKey, parseApiKey, type ApiKey } from '#domain/access';
import { CommandExecutor } from '#runtime';
import { ensureAdminKey } from './admin-key.ts';
import { KeyAuthority } from './key-authority.ts';
import { KeyIssuer } from './key-issuer.ts';

const meta = { actor: 'system:test', correlationId: 'c-1' };
let clock: ManualClock;
let aggregates: MemoryAggregateStore;
let loads: number;
let issuer: KeyIssuer;
let authority: KeyAuthority;

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  aggregates = new MemoryAggregateStore(new MemoryOutbox(clock));
  loads = 0;
  const counting = Object.assign(Object.create(aggregates) as MemoryAggregateStore, {
    load: (...args: Parameters<MemoryAggregateStore['load']>) => {
      loads++;
      return aggregates.load(...args);
    },
  });
  issuer = new KeyIssuer(new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/test' }));
  authority = new KeyAuthority(counting, clock);
});

describe('whose key is it', () => {
  test('the holder is known by the secret, not by the id', async () => {
    const { id, key } = await issuer.issue({ name: 'a', scopes: ['view'], expiresAtMs: 0 }, meta);
    expect(await authority.verify(key)).toEqual({ keyId: id, secret: parseApiKey(key)?.secret, scopes: ['view'] });
    const other = await issuer.issue({ name: 'b', scopes: ['admin'], expiresAtMs: 0 }, meta);
    const mixed: ApiKey = { keyId: other.id, secret: (parseApiKey(key) as ApiKey).secret };
    expect(await authority.verify(formatApiKey(mixed))).toBeUndefined();
    expect(await authority.verify('nonsense')).toBeUndefined();
  });

  test('a key ends at its time, remembered or not', async () => {
    const { key } = await issuer.issue({ name: 'a', scopes: ['view'], expiresAtMs: 1_000_100 }, meta);
    expect(await authority.verify(key)).toBeDefined();
    clock.advance(100);
    expect(await authority.verify(key)).toBeUndefined();
  });

  test('one that another process revokes works for three seconds more, and not longer', async () => {
    const { id, key } = await issuer.issue({ name: 'a', scopes: ['view'], expiresAtMs: 0 }, meta);
    await authority.verify(key);
    await issuer.revoke(id, 'lost', meta);
    clock.advance(2_999);
    expect(await authority.verify(key)).toBeDefined();
    clock.advance(1);
    expect(await authority.verify(key)).toBeUndefined();
  });

  test('keys are not looked up for each request, unknown ones neither', async () => {
    const { key } = await issuer.issue({ name: 'a', scopes: ['view'], expiresAtMs: 0 }, meta);
    for (let at = 0; at < 10; at++) await authority.verify(key);
    for (let at = 0; at < 10; at++) await authority.verify(`sk_k-guess_${'a'.repeat(52)}`);
    expect(loads).toBe(2);
  });
});

describe('the first admin key', () => {
  test('is made once, by whoever comes first, and never again', async () => {
    const made = await Promise.all([ensureAdminKey(aggregates, issuer, meta), ensureAdminKey(aggregates, issuer, meta)]);
    const keys = made.filter((each) => each !== undefined);
    expect(keys).toHaveLength(1);
    expect((await authority.verify(keys[0]?.key ?? ''))?.scopes).toEqual(['admin']);
    await issuer.revoke('k-admin', 'rotated', meta);
    expect(await ensureAdminKey(aggregates, issuer, meta)).toBeUndefined();
  });
});
