import { describe, expect, test } from '@jest/globals';
import { keyIssued, keyRevoked, type DomainEvent } from '#events';
import { foldChanges } from '#kernel';
import fc from 'fast-check';
import { bearerOf, formatApiKey, parseApiKey } from './api-key.codec.ts';
import { isUsable, keyDecider, type IssueKey, type KeyDraft, type KeyState } from './key.decider.ts';
import { keysProjection } from './key.projection.ts';
import { allows, homeTenantOf, isExpired, isOfPlatform, mayPublish, mayView, seesEveryTenant, type Principal } from './principal.core.ts';
import { isTenantId } from './tenant.core.ts';

const issue: IssueKey = { type: 'IssueKey', keyId: 'k-3f9a', name: 'CI', secretHash: 'b'.repeat(64), scopes: ['view', 'publish', 'view'], expiresAtMs: 5000 };
const issued = keyIssued.draft({ keyId: 'k-3f9a', name: 'CI', secretHash: 'b'.repeat(64), scopes: ['view', 'publish'], expiresAtMs: 5000 });
const revoked = keyRevoked.draft({ keyId: 'k-3f9a', reason: 'lost' });
const given = (...events: KeyDraft[]): KeyState => events.reduce(keyDecider.evolve, keyDecider.initialState);

describe('API keys', () => {
  test.each<[string, KeyDraft[], Parameters<typeof keyDecider.decide>[0], KeyDraft[]]>([
    ['issued, each scope once', [], issue, [issued]],
    ['revoked', [issued], { type: 'RevokeKey', keyId: 'k-3f9a', reason: 'lost' }, [revoked]],
    ['revoked again', [issued, revoked], { type: 'RevokeKey', keyId: 'k-3f9a', reason: 'lost' }, []],
  ])('%s', (_what, history, command, events) => {
    expect(keyDecider.decide(command, given(...history))).toEqual({ refused: false, events });
  });

  test.each<[string, KeyDraft[], Parameters<typeof keyDecider.decide>[0], string]>([
    ['an id that is taken', [issued], issue, 'key-exists'],
    ['an id that was revoked', [issued, revoked], issue, 'key-exists'],
    ['no scopes', [], { ...issue, scopes: [] }, 'invalid-scopes'],
    ['no name', [], { ...issue, name: ' ' }, 'invalid-name'],
    ['revoking nothing', [], { type: 'RevokeKey', keyId: 'k-0000', reason: '' }, 'unknown-key'],
  ])('%s is refused', (_what, history, command, code) => {
    expect(keyDecider.decide(command, given(...history))).toEqual(expect.objectContaining({ refused: true, code, events: [] }));
  });

  test.each<[string, KeyState, number, boolean]>([
    ['before its end', given(issued), 4999, true],
    ['at its end', given(issued), 5000, false],
    ['without an end', given(keyIssued.draft({ ...issued.data, expiresAtMs: 0 })), 9e15, true],
    ['revoked', given(issued, revoked), 0, false],
    ['never issued', given(), 0, false],
    ['revoked before it was issued', given(revoked), 0, false],
  ])('%s: usable %#', (_what, state, nowMs, usable) => {
    expect(isUsable(state, nowMs)).toBe(usable);
  });

  test('admin is all', () => {
    expect(allows({ scopes: ['admin'] }, 'edge')).toBe(true);
    expect(allows({ scopes: ['view', 'publish'] }, 'publish')).toBe(true);
    expect(allows({ scopes: ['view'] }, 'admin')).toBe(false);
    expect(allows({ scopes: [] }, 'view')).toBe(false);
  });
});

describe('a principal', () => {
  const one = (change: Partial<Principal> = {}): Principal => ({
    kind: 'key',
    id: 'k-3f9a',
    actor: 'key:k-3f9a',
    tenant: 'acme',
    scopes: ['view', 'publish'],
    expiresAtMs: 0,
    ...change,
  });

  test.each<[string, Partial<Principal>, string, boolean]>([
    ['its own tenant', {}, 'acme', true],
    ['another tenant', {}, 'globex', false],
    ['the platform', {}, 'default', false],
    ['another tenant, as admin of its own', { scopes: ['admin'] }, 'globex', false],
    ['another tenant, as admin of the platform', { tenant: 'default', scopes: ['admin'] }, 'globex', true],
    ['another tenant, as viewer of the platform', { tenant: 'default' }, 'globex', false],
    ['another tenant, as one of all', { tenant: '*' }, 'globex', true],
    ['its own tenant, without the scope', { scopes: ['publish', 'edge'] }, 'acme', false],
    ['its own tenant, as operator', { scopes: ['operate'] }, 'acme', true],
    ['its own tenant, in another context', { contexts: ['cache'] }, 'acme', false],
    ['its own tenant, in a context of its own', { contexts: ['cache', 'stream'] }, 'acme', true],
  ])('views streams of %s: %#', (_what, change, tenant, views) => {
    expect(mayView(one(change), 'stream', tenant)).toBe(views);
  });

  test('publishes to its contexts', () => {
    expect(mayPublish(one(), 'stream')).toBe(true);
    expect(mayPublish(one({ contexts: ['cache'] }), 'stream')).toBe(false);
    expect(mayPublish(one({ scopes: ['view'] }), 'stream')).toBe(false);
    expect(mayPublish(one({ scopes: ['admin'], contexts: ['cache'] }), 'stream')).toBe(false);
  });

  test('has a home, and may be of the platform', () => {
    expect([one(), one({ tenant: 'default' }), one({ tenant: '*' })].map((each) => [homeTenantOf(each), isOfPlatform(each), seesEveryTenant(each)])).toEqual([
      ['acme', false, false],
      ['default', true, false],
      ['default', true, true],
    ]);
  });

  test('ends at its time', () => {
    expect([isExpired(one(), 9e15), isExpired(one({ expiresAtMs: 5 }), 4), isExpired(one({ expiresAtMs: 5 }), 5)]).toEqual([false, false, true]);
  });

  test.each([
    ['acme', true],
    ['a', true],
    ['acme-tv-2', true],
    ['', false],
    ['*', false],
    ['-acme', false],
    ['Acme', false],
    ['a'.repeat(64), false],
  ])('%j names a tenant: %s', (text, named) => expect(isTenantId(text)).toBe(named));
});

describe('the text of a key', () => {
  test('survives the round trip', () => {
    const key = { keyId: 'k-3f9a', secret: 'a'.repeat(52) };
    expect(parseApiKey(formatApiKey(key))).toEqual(key);
  });

  test.each([
    '',
    'sk_',
    'sk_k-3f9a_',
    `sk_3f9a_${'a'.repeat(52)}`,
    `sk_k-3f9a_${'a'.repeat(20)}`,
    `pk_k-3f9a_${'a'.repeat(52)}`,
    `sk_k-3f9a_${'a'.repeat(52)} `,
    `sk_k-3f9a_${'a'.repeat(129)}`,
  ])('%j is none', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  test.each([
    ['Bearer abc', 'abc'],
    ['bearer  abc= ', 'abc='],
    ['Basic abc', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    [undefined, undefined],
  ])('%j carries %j', (header, token) => expect(bearerOf(header)).toBe(token));
});

test('the keys projection keeps no hash, and ends the same in every order', () => {
  const events = [issued, revoked, keyIssued.draft({ ...issued.data, keyId: 'k-0001' })].map(
    (draft, at) => ({ ...draft, time: 100 + at, actor: 'system:streams' }) as unknown as DomainEvent,
  );
  fc.assert(
    fc.property(fc.shuffledSubarray(events, { minLength: events.length }), fc.subarray(events), (shuffled, repeated) => {
      const rows = foldChanges(
        keysProjection.tables,
        [...shuffled, ...repeated].flatMap((each) => keysProjection.project(each)),
      );
      const row = rows.find((change) => change.key['key_id'] === 'k-3f9a');
      expect(row?.set).toEqual({
        name: 'CI',
        scopes: ['view', 'publish'],
        issued_at_ms: 100n,
        issued_by: 'system:streams',
        expires_at_ms: 5000n,
        revoked_at_ms: 101n,
        revoke_reason: 'lost',
      });
      expect(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain('b'.repeat(64));
    }),
  );
});
