import { describe, expect, test } from '@jest/globals';
import { zoneConfigurationSchema, zoneConfigured, zoneHostsClaimed, zoneRemoved, type DomainEvent, type DraftEvent, type ZoneConfiguration } from '#events';
import { foldChanges } from '#kernel';
import fc from 'fast-check';
import { pathMatcher, pathPatternFault } from './path-pattern.core.ts';
import { claimedDomain, claimsInTheWay, zoneClaimsDecider, type ClaimZoneHosts, type ZoneClaimsState } from './zone-claims.decider.ts';
import { zoneDecider, type ZoneCommand, type ZoneState } from './zone.decider.ts';
import { zoneProblem } from './zone.policy.ts';
import { zonesProjection } from './zone.projection.ts';

const site: ZoneConfiguration = { hosts: ['www.example.org'], origins: [{ url: 'https://origin.example.org' }] };
const about = { zoneId: 'zn-1', name: 'shop', shieldUrl: null, reason: '', rolledBackTo: null };
const configure = (configuration: ZoneConfiguration, more: object = {}): ZoneCommand => ({ type: 'ConfigureZone', ...about, configuration, ...more });

function after(...commands: ZoneCommand[]): ZoneState {
  let state = zoneDecider.initialState;
  for (const command of commands) {
    const decision = zoneDecider.decide(command, state);
    if (decision.refused) throw new Error(decision.message);
    for (const event of decision.events) state = zoneDecider.evolve(state, event);
  }
  return state;
}

describe('patterns of paths', () => {
  test.each([
    ['/a', '/a', true],
    ['/a', '/a/', false],
    ['/static/**', '/static/x/y.css', true],
    ['/static/**', '/static', false],
    ['/**', '/', true],
    ['/*.jpg', '/x.jpg', true],
    ['/*.jpg', '/x/y.jpg', false],
    ['/**/*.jpg', '/x/y/z.jpg', true],
    ['/**.jpg', '/x/y/z.jpg', true],
    ['/**.jpg', '/x/y/z.jpg.txt', false],
    ['/*/thumb-*.png', '/a/thumb-.png', true],
    ['/a*b*c', '/aXbYbZc', true],
    ['/a*b*c', '/aXbYbZcd', false],
    ['/.*', '/x', false],
  ])('%s of %s: %s', (pattern, path, fits) => expect(pathMatcher(pattern)(path)).toBe(fits));

  test('a pattern and a path that make regular expressions slow are judged in one walk', () => {
    const path = `/${'a'.repeat(8000)}`;
    expect(pathMatcher('/**a**a**a**a**a**a**a**a**b')(path)).toBe(false);
  });

  test.each(['a', '/a?b', '/a#b', '/a b', `/${'*a'.repeat(17)}`])('%j is no pattern', (pattern) =>
    expect(pathPatternFault(pattern)).toEqual(expect.any(String)),
  );
});

describe('what a zone may be', () => {
  test.each<[string, Partial<ZoneConfiguration>]>([
    ['wildcards and rules', { hosts: ['a.example', '*.b.example'], rules: [{ match: { paths: ['/x/**'] }, ttl: { override: 5 } }] }],
    ['a redirect to the same path elsewhere', { rules: [{ redirect: { to: 'https://new.example$path$query' } }] }],
    ['its own authority', { origins: [{ url: 'https://o.example', tls: { ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n' } }] }],
  ])('%s', (_what, more) => expect(zoneProblem({ ...site, ...more })).toBeUndefined());

  test.each<[string, Partial<ZoneConfiguration>]>([
    ['hosts.0', { hosts: ['192.0.2.1'] }],
    ['hosts.0', { hosts: ['Example.org'] }],
    ['hosts.0', { hosts: ['*.org'] }],
    ['hosts.0', { hosts: ['a.example:80'] }],
    ['hosts.0', { hosts: ['a..example'] }],
    ['hosts.1', { hosts: ['a.example', 'a.example'] }],
    ['origins.0.url', { origins: [{ url: 'ftp://o.example' }] }],
    ['origins.0.url', { origins: [{ url: 'https://u:p@o.example' }] }],
    ['origins.0.url', { origins: [{ url: 'https://o.example/base' }] }],
    ['origins.1.url', { origins: [{ url: 'https://o.example' }, { url: 'https://o.example' }] }],
    ['origins.0.http2', { origins: [{ url: 'http://o.example', http2: true }] }],
    ['origins.0.tls.ca', { origins: [{ url: 'https://o.example', tls: { ca: 'x' } }] }],
    ['origins', { origins: [{ url: 'https://o.example', backup: true }] }],
    ['hostHeader', { hostHeader: 'a b' }],
    ['rules.0.redirect.status', { rules: [{ redirect: { to: '/x', status: 304 } }] }],
    ['healthCheck.path', { healthCheck: { path: 'x' } }],
    ['query.names', { query: { kind: 'only' } }],
    ['rules.0.match.paths.0', { rules: [{ match: { paths: ['x'] } }] }],
    ['rules.0.match.contentTypes', { rules: [{ match: { contentTypes: ['text/html'] }, redirect: { to: '/' } }] }],
    ['rules.0.redirect.to', { rules: [{ redirect: { to: '//evil.example' } }] }],
    ['rules.0.redirect.to', { rules: [{ redirect: { to: 'https://$query.example/' } }] }],
    ['rules.0.responseHeaders.0.name', { rules: [{ responseHeaders: [{ op: 'set', name: 'via', value: 'x' }] }] }],
    ['rules.0.responseHeaders.0.value', { rules: [{ responseHeaders: [{ op: 'set', name: 'x', value: 'a\r\nb: c' }] }] }],
    ['rules.0.requestHeaders.0.value', { rules: [{ requestHeaders: [{ op: 'add', name: 'x' }] }] }],
    ['purgers.1', { purgers: ['203.0.113.7', 'origin.example'] }],
    ['purgers.0', { purgers: ['0.0.0.0/0'] }],
    ['rules.1.ttl.min', { rules: [{}, { ttl: { min: 2, max: 1 } }] }],
  ])('%s is named when it is wrong: %j', (field, more) => expect(zoneProblem({ ...site, ...more })?.field).toBe(field));

  test('what the schema does not know is refused, however deep', () => {
    expect(zoneConfigurationSchema.safeParse({ ...site, extra: 1 }).success).toBe(false);
    expect(zoneConfigurationSchema.safeParse({ ...site, origins: [{ url: 'https://o.example', wieght: 1 }] }).success).toBe(false);
  });
});

describe('a zone', () => {
  test('each change has the next version, the same said again is none', () => {
    expect(after(configure(site), configure(site))).toMatchObject({ version: 1, epoch: 1 });
    expect(after(configure(site), configure({ ...site, hosts: ['b.example'] }))).toMatchObject({ version: 2, epoch: 1 });
  });

  test.each<[string, Partial<ZoneConfiguration>, number]>([
    ['where the origins are', { origins: [{ url: 'https://moved.example' }] }, 1],
    ['who may purge', { purgers: ['203.0.113.7', '2001:db8::/48'] }, 1],
    ['a redirect', { rules: [{ match: { paths: ['/x'] }, redirect: { to: '/y' } }] }, 1],
    ['the key', { query: { kind: 'none' } }, 2],
    ['a header', { rules: [{ responseHeaders: [{ op: 'remove', name: 'server' }] }] }, 2],
    ['a lifetime', { rules: [{ ttl: { override: 1 } }] }, 2],
  ])('what is stored is forgotten only where it is wrong by now: %s', (_what, more, epoch) =>
    expect(after(configure(site), configure({ ...site, ...more }))).toMatchObject({ version: 2, epoch }),
  );

  test('one that comes back finds nothing of what was stored before', () => {
    expect(after(configure(site), { type: 'RemoveZone', reason: '' }, configure(site, { rolledBackTo: 1 }))).toMatchObject({
      status: 'configured',
      version: 3,
      epoch: 3,
    });
  });

  test.each<[string, ZoneCommand[], ZoneCommand, string]>([
    ['another version than expected', [configure(site)], configure(site, { expected: 2 }), 'version-mismatch'],
    ['one that must be new', [configure(site)], configure(site, { expected: 0 }), 'version-mismatch'],
    ['one that is not there', [], configure(site, { expected: 1 }), 'version-mismatch'],
    ['removing nothing', [], { type: 'RemoveZone', reason: '' }, 'unknown-zone'],
    ['what cannot be served', [], configure({ ...site, hosts: ['X'] }), 'invalid-zone'],
  ])('is refused: %s', (_what, before, command, code) => expect(zoneDecider.decide(command, after(...before))).toMatchObject({ refused: true, code }));
});

describe('claims on hosts', () => {
  const claim = (zoneId: string, owner: string, hosts: string[], more: Partial<ClaimZoneHosts> = {}): ClaimZoneHosts => ({
    ...{ type: 'ClaimZoneHosts', domain: 'example.org', zoneId, owner, hosts, void: [], claimedAtMs: 1 },
    ...more,
  });
  const held = (...claims: ClaimZoneHosts[]): ZoneClaimsState => {
    let state = zoneClaimsDecider.initialState;
    for (const command of claims) for (const event of zoneClaimsDecider.decide(command, state).events) state = zoneClaimsDecider.evolve(state, event);
    return state;
  };

  test('whatever could clash lies below one domain', () => {
    expect(['www.example.org', '*.example.org', 'a.b.example.org', 'example.org', 'localhost'].map(claimedDomain)).toEqual([
      ...Array(4).fill('example.org'),
      'localhost',
    ]);
  });

  test.each<[string, ClaimZoneHosts, ClaimZoneHosts, boolean]>([
    ['the same host', claim('a', 'acme', ['x.example.org']), claim('b', 'globex', ['x.example.org']), true],
    ['the same host in one tenant', claim('a', 'acme', ['x.example.org']), claim('b', 'acme', ['x.example.org']), true],
    ['below another tenant’s wildcard', claim('a', 'acme', ['*.example.org']), claim('b', 'globex', ['x.example.org']), true],
    ['a wildcard above another tenant’s host', claim('a', 'acme', ['x.y.example.org']), claim('b', 'globex', ['*.example.org']), true],
    ['a wildcard above a wildcard', claim('a', 'acme', ['*.y.example.org']), claim('b', 'globex', ['*.example.org']), true],
    ['below the own wildcard', claim('a', 'acme', ['*.example.org']), claim('b', 'acme', ['x.example.org']), false],
    ['a host that only ends alike', claim('a', 'acme', ['*.y.example.org']), claim('b', 'globex', ['xy.example.org']), false],
    ['one that was given back', claim('a', 'acme', []), claim('b', 'globex', ['x.example.org']), false],
    ['the zone itself, again', claim('a', 'acme', ['x.example.org']), claim('a', 'acme', ['x.example.org', 'z.example.org']), false],
  ])('%s: refused is %4$s', (_what, first, second, refused) => {
    const state = held(first);
    expect(zoneClaimsDecider.decide(second, state).refused).toBe(refused);
    expect(claimsInTheWay(second, state).map(({ zoneId }) => zoneId)).toEqual(refused ? ['a'] : []);
  });

  test('a claim that served nothing gives way, and is off the record', () => {
    const state = held(claim('a', 'acme', ['x.example.org']), claim('b', 'globex', ['x.example.org'], { void: ['a'] }));
    expect(state).toMatchObject({ claims: [{ zoneId: 'b', owner: 'globex' }] });
  });
});

describe('the zones projection', () => {
  const event = (draft: DraftEvent, version: number): DomainEvent =>
    ({ ...draft, subject: 'zn-1', tenant: 'acme', time: version * 10, actor: 'key:k', streamVersion: BigInt(version) }) as unknown as DomainEvent;
  const configured = (zoneVersion: number): DomainEvent =>
    event(
      zoneConfigured.draft({ zoneId: 'zn-1', name: 'shop', zoneVersion, epoch: 1, configuration: site, shieldUrl: null, reason: 'r', rolledBackTo: null }),
      zoneVersion,
    );
  const removed = event(zoneRemoved.draft({ zoneId: 'zn-1', name: 'shop', zoneVersion: 3, reason: 'gone' }), 3);
  const all = [configured(1), configured(2), removed, configured(4)];

  test('the newest version counts, and every one is kept, in any order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all), (shuffled, repeated) => {
        const rows = foldChanges(
          zonesProjection.tables,
          [...shuffled, ...repeated].flatMap((each) => zonesProjection.project(each)),
        );
        expect(rows.find(({ table }) => table === 'zone')?.set).toMatchObject({ status: 'configured', zone_version: 4n });
        expect(rows.filter(({ table }) => table === 'zone_version')).toHaveLength(4);
      }),
    );
  });

  test('the newest claim of a zone within a domain is its row', () => {
    const claimed = (hosts: string[], version: number): DomainEvent =>
      event(zoneHostsClaimed.draft({ domain: 'example.org', zoneId: 'zn-1', owner: 'acme', hosts, claimedAtMs: version }), version);
    const rows = foldChanges(
      zonesProjection.tables,
      [claimed([], 2), claimed(['a.example.org'], 1)].flatMap((each) => zonesProjection.project(each)),
    );
    expect(rows).toMatchObject([{ table: 'zone_claim', set: { tenant: 'acme', hosts: [] } }]);
  });
});
