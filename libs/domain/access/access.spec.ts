import { describe, expect, test } from '@jest/globals';
import { keyIssued, keyRevoked, type DomainEvent } from '#events';
import { foldChanges } from '#kernel';
import fc from 'fast-check';
import { bearerOf, formatApiKey, parseApiKey } from './api-key.codec.ts';
import { isUsable, keyDecider, type IssueKey, type KeyDraft, type KeyState } from './key.decider.ts';
import { keysProjection } from './key.projection.ts';
import { allows } from './scope.core.ts';

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
    expect(allows(['admin'], 'edge')).toBe(true);
    expect(allows(['view', 'publish'], 'publish')).toBe(true);
    expect(allows(['view'], 'admin')).toBe(false);
    expect(allows([], 'view')).toBe(false);
  });
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
