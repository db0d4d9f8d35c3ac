import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTagField, labelsOf, tagsMax, tagsOf } from './cache-tag.codec.ts';
import type { Fields } from './fields.ts';
import { PurgeEntryError } from './purge-entry.codec.ts';
import { hashOf, hostLabel, tagLabel, tenantLabel, zoneLabel } from './purge-label.codec.ts';
import { PurgeLedger, purgeTargets, type PurgeLedgerInit } from './purge-ledger.core.ts';
import type { PurgeSubject, PurgeTarget } from './purge-marks.core.ts';
import { pathOfKey } from './target.codec.ts';

const compile = (pattern: string): ((text: string) => boolean) => {
  const made = new RegExp(pattern);
  return (text) => made.test(text);
};
const ledgerOf = (more: Partial<PurgeLedgerInit> = {}): PurgeLedger => new PurgeLedger({ marksMax: 10, patternsMax: 10, compile, ...more });
const subject = (key: string, ...labels: number[]): PurgeSubject => ({ key, labels });
const { label, pattern } = purgeTargets;

describe('purge generations', () => {
  test.each<[string, PurgeTarget, PurgeSubject, PurgeSubject]>([
    ['a key', purgeTargets.key('/a'), subject('/a'), subject('/a/b')],
    ['a path, on every host', purgeTargets.path('/a?b'), subject('z-1.3!h/a?b'), subject('/a')],
    ['a path within a zone', purgeTargets.path('/a', 5), subject('z-1.3/a', 4, 5), subject('/a', 4)],
    ['a prefix within a zone', purgeTargets.prefix('/a', 5), subject('z-1.3/ab', 4, 5), subject('/ab', 4)],
    ['a prefix', purgeTargets.prefix('/a/'), subject('/a/b'), subject('/a')],
    ['a prefix that is the whole key', purgeTargets.prefix('/a'), subject('/a'), subject('/')],
    ['a tag', label(tagLabel('News')), subject('/a', tagLabel('other'), tagLabel('news')), subject('/a', tagLabel('other'))],
    ['a tag of a tenant', label(tagLabel('news', 'acme')), subject('/a', tagLabel('news', 'acme')), subject('/a', tagLabel('news', 'evil'), tagLabel('news'))],
    ['a host', label(hostLabel('A.example')), subject('/a', hostLabel('a.example')), subject('/a', zoneLabel('a.example'))],
    ['a tenant', label(tenantLabel('acme')), subject('/a', tenantLabel('acme')), subject('/a', tenantLabel('acm'))],
    ['a pattern', pattern('^/a.*\\.js$'), subject('/a/b.js'), subject('/b.js')],
    ['a pattern, behind the zone of a key', pattern('^/a'), subject('z-1@3/a'), subject('z-1@3/b')],
    ['a pattern within a zone', pattern('^/a', zoneLabel('z')), subject('/a', zoneLabel('z')), subject('/a')],
  ])('%s: what began before is purged, what began after is not, and nothing else is', (_what, target, hit, missed) => {
    const ledger = ledgerOf();
    const before = ledger.generation;
    expect(ledger.isCurrent(hit, before)).toBe(true);
    const generation = ledger.purge(target);
    expect(ledger.judge(hit, before)).toEqual({ kind: 'purged', generation });
    expect(ledger.judge(missed, before)).toEqual({ kind: 'current' });
    expect(ledger.isCurrent(hit, ledger.generation)).toBe(true);
  });

  test('a soft purge makes stale, and gives way to a hard one', () => {
    const ledger = ledgerOf();
    const generation = ledger.purge(label(7), { atMs: 1000 });
    expect(ledger.judge(subject('/a', 7), 0)).toEqual({ kind: 'soft', generation, atMs: 1000 });
    expect(ledger.isCurrent(subject('/a', 7), 0)).toBe(false);
    expect(ledger.isCurrent(subject('/b'), 0)).toBe(true);
    const everything = ledger.purge(purgeTargets.all);
    expect(ledger.judge(subject('/a', 7), generation)).toEqual({ kind: 'purged', generation: everything });
    expect(ledger.judge(subject('/b'), everything)).toEqual({ kind: 'current' });
    ledger.purge(purgeTargets.all, { atMs: 2000 });
    expect(ledger.judge(subject('/c'), everything)).toMatchObject({ kind: 'soft', atMs: 2000 });
  });

  test('what is no pattern changes nothing', () => {
    const ledger = ledgerOf();
    expect(() => ledger.purge(pattern('('))).toThrow(SyntaxError);
    expect([ledger.generation, ledger.isCurrent(subject('/'), 0)]).toEqual([0, true]);
  });

  test.each([0, 1, 7])('a journal that lost %i bytes of its end is not taken for whole', (lost) => {
    const entries: Uint8Array[] = [];
    const ledger = ledgerOf({ onEntry: (entry) => entries.push(entry) });
    ledger.purge(pattern('^/ä'));
    const [entry] = entries as [Uint8Array];
    const other = ledgerOf();
    if (lost === 0) {
      other.restore(entry);
      expect(other.isCurrent(subject('/äb'), 0)).toBe(false);
    } else expect(() => other.restore(entry.subarray(0, entry.length - lost))).toThrow(lost === 1 ? PurgeEntryError : Error);
    const strange = entry.slice();
    strange[4] = 77;
    expect(() => ledgerOf().restore(strange)).toThrow(PurgeEntryError);
  });
});

describe('the ledger against one that keeps everything', () => {
  const keys = ['/a', '/a/1', '/a/2', '/b', '/b/1', 'z@1/a'];
  const labels = [1, 2, 3];
  const scope = fc.constantFrom(undefined, 1);
  /** The ids of paths tell nothing: the model keeps what they were made of. */
  type Named = PurgeTarget & { readonly text?: string; readonly of?: number | undefined };
  const target: fc.Arbitrary<Named> = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...keys).map(purgeTargets.key) },
    { weight: 6, arbitrary: fc.constantFrom(...labels).map(label) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom('/a', '/b'), scope).map(([path, of]) => ({ ...purgeTargets.path(path, of), text: path, of })) },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom('/', '/a', '/a/', '/b'), scope).map(([path, of]) => ({ ...purgeTargets.prefix(path, of), text: path, of })),
    },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('^/a', '1$', 'b'), scope).map(([text, of]) => pattern(text, of)) },
    { weight: 1, arbitrary: fc.constant<Named>(purgeTargets.all) },
  );
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('purge' as const), target, soft: fc.boolean() }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('begin' as const), key: fc.constantFrom(...keys), labels: fc.subarray(labels) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('judge' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('journal' as const, 'snapshot' as const) }) },
  );

  /** The obviously right answer: a purge hits what it names. */
  function names(what: Named, { key, labels: carried }: PurgeSubject): boolean {
    const path = pathOfKey(key);
    const within = (of: number | undefined): boolean => of === undefined || carried.includes(of);
    switch (what.kind) {
      case 'all':
        return true;
      case 'key':
        return what.id === hashOf(key);
      case 'label':
        return carried.includes(what.label);
      case 'path':
        return path === what.text && within(what.of);
      case 'prefix':
        return path.startsWith(what.text ?? '') && within(what.of);
      case 'pattern':
        return new RegExp(what.pattern).test(path) && within(what.label);
    }
  }

  interface Thing extends PurgeSubject {
    since: number;
    purged: boolean;
    soft: boolean;
  }

  test.each([
    [3, 2],
    [1000, 1000],
  ])('%i marks: the purged is never called current, over restarts; with room for all, nothing else is called purged', (marksMax, patternsMax) => {
    const run = (steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): void => {
      let journal: Uint8Array[] = [];
      const make = (): PurgeLedger => ledgerOf({ marksMax, patternsMax, onEntry: (entry) => journal.push(entry) });
      let ledger = make();
      let things: Thing[] = [];
      for (const next of steps) {
        if (next.do === 'begin') things.push({ key: next.key, labels: next.labels, since: ledger.generation, purged: false, soft: false });
        else if (next.do === 'purge') {
          ledger.purge(next.target, next.soft ? { atMs: 5 } : undefined);
          for (const thing of things) if (names(next.target, thing)) thing[next.soft ? 'soft' : 'purged'] = true;
        } else if (next.do === 'judge') {
          things = things.filter((thing) => {
            const verdict = ledger.judge(thing, thing.since);
            if (thing.purged) expect(verdict.kind).toBe('purged');
            else if (thing.soft) expect(verdict.kind).not.toBe('current');
            if (marksMax === 1000) expect(verdict.kind).toBe(thing.purged ? 'purged' : thing.soft ? 'soft' : 'current');
            expect(ledger.isCurrent(thing, thing.since)).toBe(verdict.kind === 'current');
            expect(ledger.judge(thing, ledger.generation).kind).toBe('current');
            if (verdict.kind === 'current') thing.since = ledger.generation;
            return verdict.kind === 'current';
          });
        } else {
          const { generation } = ledger;
          const bytes = next.do === 'snapshot' ? ledger.snapshot() : undefined;
          const before = journal;
          if (bytes !== undefined) journal = [];
          ledger = make();
          if (bytes === undefined) for (const entry of before) ledger.restore(entry);
          else {
            ledger.restore(bytes);
            // A snapshot is the journal's beginning from now on.
            journal = [bytes];
          }
          expect(ledger.generation).toBe(generation);
        }
      }
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => run([...steps, { do: 'judge' }])),
      { numRuns: 150 },
    );
  });
});

describe('tags', () => {
  test.each<[string, Fields, readonly string[]]>([
    ['none', [['etag', '"a"']], []],
    ['Cache-Tag, by commas', [['cache-tag', 'A, b,,c ']], ['a', 'b', 'c']],
    ['Surrogate-Key, by spaces', [['surrogate-key', ' a  b,c ']], ['a', 'b,c']],
    ['xkey, by either, on two lines', [['xkey', 'a b'], ['xkey', 'c,a']], ['a', 'b', 'c']], // prettier-ignore
    ['one that is too long is none', [['cache-tag', `${'x'.repeat(257)},y`]], ['y']],
  ])('%s', (_what, fields, tags) => {
    expect(tagsOf(fields)).toEqual(tags);
    const labels = tags.flatMap((tag) => [tagLabel(tag), tagLabel(tag, 'acme')]);
    expect(labelsOf(fields, '/a', { tenant: 'acme', labels: [zoneLabel('')] })).toEqual([zoneLabel(''), ...labels]);
  });

  test('no more of them than there may be; a zone adds its own labels and keeps its tenant to itself', () => {
    expect(tagsOf([['cache-tag', Array.from({ length: 500 }, (_, at) => `t${at}`).join()]])).toHaveLength(tagsMax);
    const scope = { tenant: 'acme', labels: [zoneLabel('z')] };
    expect(labelsOf([['xkey', 'a']], 'z.1/a', scope)).toEqual([zoneLabel('z'), tagLabel('a'), tagLabel('a', 'acme')]);
    expect(labelsOf([], 'z.1/a', scope)).toBe(scope.labels);
    expect(labelsOf([], 'z.1!a.example/a!b', scope)).toEqual([zoneLabel('z'), hostLabel('a.example')]);
    expect(labelsOf([], '/a!b', scope)).toBe(scope.labels);
  });

  test('they stay between the origin and its caches', () => {
    expect((['cache-tag', 'surrogate-key', 'xkey', 'etag', 'constructor'] as const).map((name) => isTagField([name, 'a']))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
