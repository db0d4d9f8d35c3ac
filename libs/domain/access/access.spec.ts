import { describe, expect, test } from '@jest/globals';
import {
  decodeEvent,
  encodeEvent,
  keyIssued,
  keyRevoked,
  keyRotated,
  tenantCreated,
  tenantResumed,
  tenantSuspended,
  type DomainEvent,
  type EventDefinition,
  type EventEnvelope,
} from '#events';
import { foldChanges } from '#kernel';
import fc from 'fast-check';
import { bearerOf, formatApiKey, parseApiKey } from './api-key.codec.ts';
import { accessAggregate } from './access-aggregate.ts';
import { isUsable, keyDecider, keyStateOf, secretHashesOf, type IssueKey, type KeyDraft, type KeyState } from './key.decider.ts';
import { keysProjection } from './key.projection.ts';
import { allows, homeTenantOf, isExpired, isOfPlatform, mayPublish, mayView, seesEveryTenant, type Principal } from './principal.core.ts';
import { isTenantId } from './tenant.core.ts';
import { standingOf, tenantDecider, type TenantCommand, type TenantState } from './tenant.decider.ts';

const grant = { name: 'CI', expiresAtMs: 5000, tenant: 'acme', ratePerMinute: 60 };
const issue: IssueKey = {
  type: 'IssueKey',
  keyId: 'k-3f9a',
  secretHash: 'b'.repeat(64),
  scopes: ['view', 'publish', 'view'],
  contexts: ['stream', 'stream'],
  ...grant,
};
const issued = keyIssued.draft({ keyId: 'k-3f9a', secretHash: 'b'.repeat(64), scopes: ['view', 'publish'], contexts: ['stream'], ...grant });
const rotated = keyRotated.draft({ keyId: 'k-3f9a', secretHash: 'c'.repeat(64), previousUntilMs: 3000, reason: 'once a year' });
const revoked = keyRevoked.draft({ keyId: 'k-3f9a', reason: 'lost' });
const rotate = { type: 'RotateKey', keyId: 'k-3f9a', secretHash: 'c'.repeat(64), nowMs: 1000, overlapMs: 2000, reason: 'once a year' } as const;
const given = (...events: KeyDraft[]): KeyState => events.reduce(keyDecider.evolve, keyDecider.initialState);

describe('API keys', () => {
  test.each<[string, KeyDraft[], Parameters<typeof keyDecider.decide>[0], KeyDraft[]]>([
    ['issued, each scope and context once', [], issue, [issued]],
    ['issued for all tenants and contexts', [], { ...issue, tenant: '*', contexts: null }, [keyIssued.draft({ ...issued.data, tenant: '*', contexts: null })]],
    ['rotated', [issued], rotate, [rotated]],
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
    ['a tenant that cannot be named so', [], { ...issue, tenant: 'Acme' }, 'invalid-tenant'],
    ['no contexts', [], { ...issue, contexts: [] }, 'invalid-contexts'],
    ['no calls at all', [], { ...issue, ratePerMinute: 0 }, 'invalid-rate'],
    ['rotating nothing', [], rotate, 'unknown-key'],
    ['rotating what is revoked', [issued, revoked], rotate, 'key-revoked'],
    ['rotating what has expired', [issued], { ...rotate, nowMs: 5000 }, 'key-expired'],
    ['an overlap without end', [issued], { ...rotate, overlapMs: 604_800_001 }, 'invalid-overlap'],
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

  test('a rotated key opens with the new secret, and for a while with the one before it, but not with older ones', () => {
    const state = given(issued, rotated, keyRotated.draft({ keyId: 'k-3f9a', secretHash: 'd'.repeat(64), previousUntilMs: 4000, reason: '' }));
    if (!isUsable(state, 0)) throw new Error('it is usable');
    expect(secretHashesOf(state, 3999)).toEqual(['d'.repeat(64), 'c'.repeat(64)]);
    expect(secretHashesOf(state, 4000)).toEqual(['d'.repeat(64)]);
    expect(given(rotated)).toEqual({ status: 'absent' });
  });

  test('scopes and contexts of a newer version allow nothing, and never all', () => {
    const newer = keyIssued.draft({ ...issued.data, scopes: ['view', 'levitate'], contexts: ['weather'] });
    expect(given(newer)).toMatchObject({ scopes: ['view'], contexts: [] });
    expect(given(keyIssued.draft({ ...issued.data, contexts: ['weather', 'stream'] }))).toMatchObject({ contexts: ['stream'] });
  });

  test('what was issued before there were tenants is the platform’s own, in events and in heads', () => {
    const [old] = keyIssued.samples as [object];
    const envelope = {
      id: 'e',
      source: '/t',
      subject: 'k-3f9a',
      time: 1,
      key: 'k-3f9a',
      tenant: 'default',
      correlationId: '',
      causationId: '',
      traceparent: '',
    };
    const rest = { ...envelope, actor: 'system:t', streamVersion: 1n, producerEpoch: 0n };
    const record = encodeEvent({ ...rest, type: keyIssued.type, version: 1, data: old } as EventEnvelope);
    const whole = { ...old, tenant: 'default', contexts: null, ratePerMinute: null };
    expect(decodeEvent(record)).toMatchObject({ version: (keyIssued as EventDefinition).version, data: whole });
    expect(keyStateOf({ status: 'active', ...old })).toEqual({ status: 'active', ...whole });
    expect(keyStateOf({ status: 'absent' })).toEqual({ status: 'absent' });
  });

  test('admin is all', () => {
    expect(allows({ scopes: ['admin'] }, 'edge')).toBe(true);
    expect(allows({ scopes: ['view', 'publish'] }, 'publish')).toBe(true);
    expect(allows({ scopes: ['view'] }, 'admin')).toBe(false);
    expect(allows({ scopes: [] }, 'view')).toBe(false);
  });
});

describe('tenants', () => {
  const created = tenantCreated.draft({ tenantId: 'acme', name: 'Acme TV' });
  const create = { type: 'CreateTenant', tenantId: 'acme', name: 'Acme TV' } as const;
  const there: TenantState = { status: 'created', tenantId: 'acme', name: 'Acme TV' };

  test('are created once', () => {
    expect(tenantDecider.decide(create, { status: 'absent' })).toEqual({ refused: false, events: [created] });
    expect(tenantDecider.evolve({ status: 'absent' }, created)).toEqual(there);
    expect(tenantDecider.decide(create, there)).toEqual({ refused: false, events: [] });
  });

  test.each([
    ['another by the same id', { ...create, name: 'Other' }, there, 'tenant-exists'],
    ['the platform', { ...create, tenantId: 'default' }, { status: 'absent' } as const, 'tenant-exists'],
    ['all of them', { ...create, tenantId: '*' }, { status: 'absent' } as const, 'invalid-tenant'],
    ['one without a name', { ...create, name: ' ' }, { status: 'absent' } as const, 'invalid-name'],
  ])('%s is refused', (_what, command, state, code) => {
    expect(tenantDecider.decide(command, state)).toMatchObject({ refused: true, code });
  });

  const suspended = tenantSuspended.draft({ tenantId: 'acme', reason: 'unpaid' });
  const resumed = tenantResumed.draft({ tenantId: 'acme', reason: 'has paid' });
  const away: TenantState = { ...there, status: 'suspended' };

  test.each<[string, TenantCommand, TenantState, readonly unknown[]]>([
    ['suspended', { type: 'SuspendTenant', tenantId: 'acme', reason: 'unpaid' }, there, [suspended]],
    ['suspended twice', { type: 'SuspendTenant', tenantId: 'acme', reason: 'again' }, away, []],
    ['resumed', { type: 'ResumeTenant', tenantId: 'acme', reason: 'has paid' }, away, [resumed]],
    ['resumed without need', { type: 'ResumeTenant', tenantId: 'acme', reason: '' }, there, []],
    ['created as it is, while it is suspended', create, away, []],
  ])('may be %s', (_what, command, state, events) => {
    expect(tenantDecider.decide(command, state)).toEqual({ refused: false, events });
  });

  test.each<[string, TenantCommand, TenantState, string]>([
    ['one that is not there', { type: 'SuspendTenant', tenantId: 'nobody', reason: '' }, { status: 'absent' }, 'unknown-tenant'],
    ['the platform', { type: 'SuspendTenant', tenantId: 'default', reason: '' }, { status: 'absent' }, 'platform-tenant'],
    ['nobody, to resume', { type: 'ResumeTenant', tenantId: 'nobody', reason: '' }, { status: 'absent' }, 'unknown-tenant'],
  ])('%s is not suspended', (_what, command, state, code) => {
    expect(tenantDecider.decide(command, state)).toMatchObject({ refused: true, code });
  });

  test('stand as their last event says', () => {
    const standings = [[], [created], [created, suspended], [created, suspended, resumed], [suspended]].map((drafts) =>
      standingOf(drafts.reduce<TenantState>((state, draft) => tenantDecider.evolve(state, draft), { status: 'absent' })),
    );
    expect(standings).toEqual(['absent', 'good', 'suspended', 'good', 'absent']);
    expect(standingOf(undefined)).toBe('absent');
  });

  test('heads of both kinds fold from the log', () => {
    const { initialState, evolve } = accessAggregate.decider;
    expect(evolve(initialState, created)).toEqual(there);
    expect(evolve(evolve(initialState, created), suspended)).toEqual(away);
    expect(evolve(evolve(initialState, issued), revoked)).toEqual(given(issued, revoked));
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
  const drafts = [issued, rotated, revoked, tenantCreated.draft({ tenantId: 'acme', name: 'Acme TV' })];
  const events = drafts.map((draft, at) => ({ ...draft, time: 100 + at, actor: 'system:streams' }) as unknown as DomainEvent);
  fc.assert(
    fc.property(fc.shuffledSubarray(events, { minLength: events.length }), fc.subarray(events), (shuffled, repeated) => {
      const rows = foldChanges(
        keysProjection.tables,
        [...shuffled, ...repeated].flatMap((each) => keysProjection.project(each)),
      );
      const row = rows.find((change) => change.key['key_id'] === 'k-3f9a');
      expect(row?.set).toEqual({
        name: 'CI',
        tenant: 'acme',
        scopes: ['view', 'publish'],
        contexts: ['stream'],
        rate_per_minute: 60,
        issued_at_ms: 100n,
        issued_by: 'system:streams',
        expires_at_ms: 5000n,
        rotated_at_ms: 101n,
        revoked_at_ms: 102n,
        revoke_reason: 'lost',
      });
      expect(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain('b'.repeat(64));
    }),
  );
});
