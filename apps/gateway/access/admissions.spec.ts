import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryAggregateStore, MemoryOutbox, MemoryRateLimiter, MemorySubjectKeyStore } from '#adapters/memory';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { UuidV7IdSource } from '#adapters/system';
import type { KeyGrant } from '#domain/access';
import { CommandExecutor, PersonalData, SubjectKeys } from '#runtime';
import { pino } from 'pino';
import { ProblemError } from '../http/problem.errors.ts';
import { Admissions } from './admissions.ts';
import { Authenticator } from './authenticator.ts';
import { principalOfClaims, type ClaimNames } from './jwt-claims.core.ts';
import { KeyAuthority } from './key-authority.ts';
import type { TenantStandings } from './tenant-standings.ts';
import { KeyIssuer } from './key-issuer.ts';
import { addressesMax, kindsMax, RefusalLedger, type Refusal } from './refusal-ledger.core.ts';
import { RefusalRecorder } from './refusal-recorder.ts';

/** Here it is not about tenants: they are all there. */
const everybody: Pick<TenantStandings, 'of'> = { of: () => Promise.resolve('good') };

const logger = pino({ level: 'silent' });
const operation = { id: 'listStreams', scopes: ['view'], tenancy: 'own', context: 'stream' } as const;
const grant: KeyGrant = { name: 'a', scopes: ['view'], tenant: 'acme', contexts: null, expiresAtMs: 0, ratePerMinute: null };

describe('admission', () => {
  let clock: ManualClock;
  let outbox: MemoryOutbox;
  let loads: number;
  let issuer: KeyIssuer;
  let recorder: RefusalRecorder;
  let admissions: Admissions;
  let personal: PersonalData;

  beforeEach(() => {
    clock = new ManualClock(1_000_000);
    outbox = new MemoryOutbox(clock);
    loads = 0;
    const aggregates = new MemoryAggregateStore(outbox);
    const counting = Object.assign(Object.create(aggregates) as MemoryAggregateStore, {
      load: (...args: Parameters<MemoryAggregateStore['load']>) => (loads++, aggregates.load(...args)),
    });
    const ids = new UuidV7IdSource();
    const keys = { store: new MemorySubjectKeyStore(aggregates, clock), master: new LocalMasterKey(new MemoryKeyRing()), clock, logger };
    personal = new PersonalData(new SubjectKeys({}, keys));
    const commands = new CommandExecutor({ aggregates, clock, ids, source: '/test', personal });
    issuer = new KeyIssuer(commands, clock);
    recorder = new RefusalRecorder({ commands, clock, ids, logger });
    const authenticator = new Authenticator(new KeyAuthority(counting, clock), everybody);
    admissions = new Admissions({ authenticator, limiter: new MemoryRateLimiter(), refusals: recorder, clock, logger });
  });

  const issue = async (change: Partial<KeyGrant> = {}): Promise<string> =>
    (await issuer.issue({ ...grant, ...change }, { actor: 'system:test', correlationId: 'c' })).key;

  /** The status and headers of the refusal, or 200. */
  async function knock(token: string | undefined, address = '192.0.2.7'): Promise<{ status: number; headers: Readonly<Record<string, string>> }> {
    try {
      await admissions.admit({ operation, token, address });
      return { status: 200, headers: {} };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return { status: error.init.status, headers: error.init.headers ?? {} };
    }
  }

  async function refusals(): Promise<Array<Record<string, unknown>>> {
    await recorder.stop();
    const rows = (await outbox.take(100_000, 0)).filter(({ record }) => record.headers['ce_type'] === 'access.refused');
    const records = rows.map(({ record }) => ({ ...record, partition: 0, offset: 0n, recordedAt: 0 }));
    return (await personal.openRecords(records)).map(({ value }) => JSON.parse(value) as Record<string, unknown>);
  }

  test('a key calls as often as it is granted, counted for itself, and more a little later', async () => {
    const [slow, other] = [await issue({ ratePerMinute: 3 }), await issue()];
    const { rate } = await admissions.admit({ operation, token: slow, address: '' });
    expect(rate).toMatchObject({ limit: 3, remaining: 2 });
    expect([(await knock(slow)).status, (await knock(slow)).status]).toEqual([200, 200]);
    expect(await knock(slow)).toEqual({
      status: 429,
      headers: { 'retry-after': '20', 'ratelimit-limit': '3', 'ratelimit-remaining': '0', 'ratelimit-reset': '60', 'ratelimit-policy': '3;w=60' },
    });
    expect((await knock(other)).status).toBe(200);
    clock.advance(20_000);
    expect([(await knock(slow)).status, (await knock(slow)).status]).toEqual([200, 429]);
  });

  test('strangers are counted by address; one who guesses too much is not looked up any more, and others are', async () => {
    const key = await issue();
    const guess = (at: number): string => `sk_k-${at.toString().padStart(6, '0')}_${'a'.repeat(52)}`;
    for (let at = 0; at < 1_000; at++) expect((await knock(guess(at))).status).toBe(401);
    expect((await knock(guess(1_000))).status).toBe(429);
    const before = loads;
    for (let at = 2_000; at < 2_100; at++) expect((await knock(guess(at))).status).toBe(429);
    expect((await knock(undefined)).status).toBe(429);
    expect(loads).toBe(before);
    expect([(await knock(guess(1), '192.0.2.8')).status, (await knock(key, '192.0.2.8')).status, (await knock(key)).status]).toEqual([401, 200, 200]);
    clock.advance(60_000);
    expect((await knock(guess(1))).status).toBe(401);
  });

  test.each([-7_200_000, 7_200_000])('a clock that jumps by %i ms keeps nobody out for longer than a window', async (jumpMs) => {
    clock.advance(20_000_000);
    const slow = await issue({ ratePerMinute: 3 });
    for (let at = 0; at < 4; at++) await knock(slow);
    for (let at = 0; at <= 1_000; at++) await knock('nonsense', '192.0.2.9');
    expect([(await knock(slow)).status, (await knock('nonsense', '192.0.2.9')).status]).toEqual([429, 429]);
    clock.advance(jumpMs);
    // The first calls afterwards meet the jump.
    await Promise.all([knock(slow), knock('nonsense', '192.0.2.9')]);
    clock.advance(60_000);
    expect([(await knock(slow)).status, (await knock('nonsense', '192.0.2.9')).status]).toEqual([200, 401]);
    for (let at = 0; at < 2; at++) await knock(slow);
    expect((await knock(slow)).status).toBe(429);
  });

  test('every refusal is on record with who, what and why; many of one kind as one', async () => {
    const key = await issue({ scopes: ['edge'] });
    const wrong = `${key.slice(0, -52)}${'a'.repeat(52)}`;
    for (let at = 0; at < 50; at++) await knock(undefined);
    await knock(key);
    await knock(wrong);
    const who = `key:${key.split('_')[1]}`;
    const told = (await refusals()).map(({ address, operation: what, reason, who: one, count }) => [address, what, reason, one, count]);
    const expected = [
      ['192.0.2.7', 'listStreams', 'no-credential', 'anonymous', 1],
      ['192.0.2.7', 'listStreams', 'missing-scope', who, 1],
      ['192.0.2.7', 'listStreams', 'wrong-secret', who, 1],
      ['192.0.2.7', 'listStreams', 'no-credential', 'anonymous', 49],
    ];
    // They are written at once, each by itself.
    expect(told.toSorted()).toEqual(expected.toSorted());
  });

  test('a limiter that is away refuses nobody', async () => {
    const limiter = { take: () => Promise.reject(new Error('away')) };
    const lone = new Admissions({
      authenticator: new Authenticator(new KeyAuthority(new MemoryAggregateStore(outbox), clock), everybody),
      limiter,
      refusals: recorder,
      clock,
      logger,
    });
    await expect(lone.admit({ operation, token: undefined, address: 'a' })).rejects.toMatchObject({ init: { status: 401 } });
    await recorder.stop();
  });
});

describe('the ledger of refusals', () => {
  const refusal: Refusal = { address: 'a', who: 'anonymous', operation: 'x', reason: 'malformed', tenant: 'default' };

  test('tells the first at once and the rest when its minute is over', () => {
    const ledger = new RefusalLedger();
    expect(ledger.note(refusal, 1_000)).toEqual([{ ...refusal, count: 1, firstAtMs: 1_000, lastAtMs: 1_000 }]);
    for (let ms = 2_000; ms <= 60_000; ms += 1_000) expect(ledger.note(refusal, ms)).toEqual([]);
    expect(ledger.due(60_999)).toEqual([]);
    expect(ledger.due(61_000)).toEqual([{ ...refusal, count: 59, firstAtMs: 2_000, lastAtMs: 60_000 }]);
    expect(ledger.due(61_000)).toEqual([]);
    expect(ledger.note(refusal, 70_000)).toHaveLength(1);
  });

  test('loses no count however many addresses, names and operations there are, and tells few', () => {
    const ledger = new RefusalLedger();
    const told = Array.from({ length: 50_000 }, (_, at) =>
      ledger.note({ ...refusal, address: `a${at % 500}`, who: `key:${at % 77}`, operation: `op${at % 13}` }, 1_000 + (at % 50_000)),
    ).flat();
    const all = [...told, ...ledger.close()];
    expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(50_000);
    expect(all.length).toBeLessThanOrEqual(2 * (addressesMax + 1) * (kindsMax + 1));
    expect(all.some(({ address }) => address === '')).toBe(true);
  });
});

describe('the claims of a token', () => {
  const names: ClaimNames = { scope: 'scope', tenant: 'https://x/tenant', contexts: 'contexts' };
  const claims = { sub: 'anna', exp: 2_000, scope: 'openid view publish', 'https://x/tenant': 'acme' };
  const anna = { kind: 'jwt', id: 'anna', actor: 'jwt:anna', tenant: 'acme', scopes: ['publish', 'view'], contexts: undefined, expiresAtMs: 2_000_000 };

  test.each<[string, object, object]>([
    ['as it should be', {}, anna],
    ['a list of scopes', { scope: ['admin'] }, { ...anna, scopes: ['admin'] }],
    ['no scopes', { scope: undefined }, { ...anna, scopes: [] }],
    ['contexts', { contexts: 'stream cache nonsense' }, { ...anna, contexts: ['stream', 'cache'] }],
    ['contexts that we do not have', { contexts: ['nonsense'] }, { ...anna, contexts: [] }],
    ['every tenant', { 'https://x/tenant': '*' }, { ...anna, tenant: '*' }],
    ['no tenant', { 'https://x/tenant': undefined }, { claim: 'https://x/tenant' }],
    ['a tenant that cannot be', { 'https://x/tenant': 'Acme Inc' }, { claim: 'https://x/tenant' }],
    ['scopes that are no words', { scope: { view: true } }, { claim: 'scope' }],
    ['contexts that are no words', { contexts: 7 }, { claim: 'contexts' }],
    ['no subject', { sub: '' }, { claim: 'sub' }],
    ['a subject of two lines', { sub: 'a\nb' }, { claim: 'sub' }],
    ['no end', { exp: undefined }, { claim: 'exp' }],
  ])('%s', (_what, change, made) => {
    expect(principalOfClaims({ ...claims, ...change }, names)).toEqual(made);
  });

  test('a token without a tenant gets the one of the settings', () => {
    expect(principalOfClaims({ ...claims, 'https://x/tenant': undefined }, { ...names, tenantDefault: 'default' })).toEqual({ ...anna, tenant: 'default' });
  });
});
