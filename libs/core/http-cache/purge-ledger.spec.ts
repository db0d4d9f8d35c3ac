import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PurgeLedger } from './purge-ledger.core.ts';

describe('purge generations', () => {
  test('a fill begun before a purge is not current after it; one begun after is', () => {
    const ledger = new PurgeLedger(10);
    const before = ledger.generation;
    expect(ledger.isCurrent('/a', before)).toBe(true);
    ledger.purge('/a');
    expect(ledger.isCurrent('/a', before)).toBe(false);
    expect(ledger.isCurrent('/b', before)).toBe(true);
    expect(ledger.isCurrent('/a', ledger.generation)).toBe(true);
  });

  test('purging everything leaves nothing that began before', () => {
    const ledger = new PurgeLedger(10);
    const before = ledger.generation;
    ledger.purgeAll();
    expect(ledger.isCurrent('/a', before)).toBe(false);
    expect(ledger.isCurrent('/a', ledger.generation)).toBe(true);
  });

  test('with bounded memory it may call the current purged, but never the purged current', () => {
    const action = fc.oneof(
      { weight: 8, arbitrary: fc.record({ purge: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.constant({ all: true as const }) },
      { weight: 4, arbitrary: fc.record({ begin: fc.nat(12) }) },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), fc.integer({ min: 1, max: 6 }), (actions, keysMax) => {
        const ledger = new PurgeLedger(keysMax);
        let fills: Array<{ key: string; generation: number; purged: boolean }> = [];
        for (const next of actions) {
          if ('begin' in next) fills.push({ key: `/${next.begin}`, generation: ledger.generation, purged: false });
          else if ('all' in next) {
            ledger.purgeAll();
            fills = fills.map((fill) => ({ ...fill, purged: true }));
          } else {
            ledger.purge(`/${next.purge}`);
            fills = fills.map((fill) => (fill.key === `/${next.purge}` ? { ...fill, purged: true } : fill));
          }
          for (const fill of fills) if (fill.purged) expect(ledger.isCurrent(fill.key, fill.generation)).toBe(false);
          for (let key = 0; key <= 12; key++) expect(ledger.isCurrent(`/${key}`, ledger.generation)).toBe(true);
        }
      }),
    );
  });
});
