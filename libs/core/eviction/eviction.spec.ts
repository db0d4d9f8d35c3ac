import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { noSlot, type EvictionIndex, type EvictionInit } from './eviction-index.ts';
import { LruIndex } from './lru.core.ts';
import { SieveIndex } from './sieve.core.ts';

interface Entry {
  readonly id: number;
  readonly bytes: number;
  visited: boolean;
}

/** The policies again, on plain arrays, newest first: slow and plainly right. */
class NaiveModel {
  entries: Entry[] = [];
  reserved = 0;
  hand: Entry | undefined;
  readonly evicted: number[] = [];

  constructor(
    readonly policy: 'lru' | 'sieve',
    readonly bytesMax: number,
    readonly entriesMax: number,
  ) {}

  get bytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.bytes, this.reserved);
  }

  get limit(): number {
    return Math.floor(this.bytesMax * 0.9);
  }

  admit(id: number, bytes: number): boolean {
    if (bytes + this.reserved > this.limit) return false;
    while (this.entries.length > 0 && this.bytes + bytes > this.limit) this.evict();
    if (this.entries.length === this.entriesMax) this.evict();
    this.entries.unshift({ id, bytes, visited: false });
    return true;
  }

  reserve(bytes: number): boolean {
    if (bytes + this.reserved > this.limit) return false;
    while (this.entries.length > 0 && this.bytes + bytes > this.limit) this.evict();
    this.reserved += bytes;
    return true;
  }

  touch(id: number): void {
    const entry = this.entries.find((candidate) => candidate.id === id) as Entry;
    if (this.policy === 'sieve') entry.visited = true;
    else this.entries = [entry, ...this.entries.filter((other) => other !== entry)];
  }

  remove(id: number): void {
    const at = this.entries.findIndex((entry) => entry.id === id);
    if (this.hand === this.entries[at]) this.hand = this.entries[at - 1];
    this.entries.splice(at, 1);
  }

  evict(): void {
    let at = this.entries.length - 1;
    if (this.policy === 'sieve') {
      if (this.hand !== undefined) at = this.entries.indexOf(this.hand);
      for (let entry = this.entries[at] as Entry; entry.visited; entry = this.entries[at] as Entry) {
        entry.visited = false;
        at = at === 0 ? this.entries.length - 1 : at - 1;
      }
      this.hand = this.entries[at];
    }
    const { id } = this.entries[at] as Entry;
    this.remove(id);
    this.evicted.push(id);
  }
}

type Step = { do: 'admit' | 'reserve'; bytes: number } | { do: 'release' } | { do: 'touch' | 'remove'; pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('admit' as const), bytes: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('touch' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reserve' as const), bytes: fc.integer({ min: 0, max: 80 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
);

const policies: ReadonlyArray<readonly ['lru' | 'sieve', (init: EvictionInit) => EvictionIndex]> = [
  ['lru', (init) => new LruIndex(init)],
  ['sieve', (init) => new SieveIndex(init)],
];

describe.each(policies)('%s', (policy, make) => {
  test('evicts what a naive model evicts, and never exceeds its bound', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const model = new NaiveModel(policy, 200, 12);
        const slotOf = new Map<number, number>();
        const idOf = new Map<number, number>();
        const evicted: number[] = [];
        const index = make({
          bytesMax: 200,
          entriesMax: 12,
          onEvict: (slot) => {
            const id = idOf.get(slot) as number;
            evicted.push(id);
            idOf.delete(slot);
            slotOf.delete(id);
          },
        });
        const reservations: number[] = [];
        steps.forEach((next, id) => {
          const held = [...slotOf.keys()];
          if (next.do === 'admit') {
            const slot = index.admit(next.bytes);
            expect(slot !== noSlot).toBe(model.admit(id, next.bytes));
            if (slot !== noSlot) {
              expect(idOf.has(slot)).toBe(false);
              idOf.set(slot, id);
              slotOf.set(id, slot);
            }
          } else if (next.do === 'reserve') {
            const reserved = index.reserve(next.bytes);
            expect(reserved).toBe(model.reserve(next.bytes));
            if (reserved) reservations.push(next.bytes);
          } else if (next.do === 'release') {
            const bytes = reservations.pop() ?? 0;
            index.release(bytes);
            model.reserved -= bytes;
          } else if ('pick' in next && held.length > 0) {
            const chosen = held[next.pick % held.length] as number;
            const slot = slotOf.get(chosen) as number;
            if (next.do === 'touch') {
              index.touch(slot);
              model.touch(chosen);
            } else {
              index.remove(slot);
              model.remove(chosen);
              idOf.delete(slot);
              slotOf.delete(chosen);
            }
          }
          expect(evicted).toEqual(model.evicted);
          expect(index.bytes).toBe(model.bytes);
          expect(index.size).toBe(model.entries.length);
          expect(index.bytes).toBeLessThanOrEqual(180);
        });
      }),
      { numRuns: 150 },
    );
  });

  test('refuses an entry that could never fit, and keeps the others', () => {
    const index = make({ bytesMax: 100, entriesMax: 10, onEvict: () => expect('nothing evicted').toBe('') });
    index.admit(50);
    expect(index.admit(91)).toBe(noSlot);
    expect(index.size).toBe(1);
  });

  test('refuses slots that hold nothing', () => {
    const index = make({ bytesMax: 100, entriesMax: 10, onEvict: () => undefined });
    const slot = index.admit(10);
    index.remove(slot);
    expect(() => index.remove(slot)).toThrow('holds nothing');
    expect(() => index.touch(slot)).toThrow('holds nothing');
    expect(() => index.release(1)).toThrow('released');
  });

  test('holds as many entries as it may, over several growths', () => {
    const evicted: number[] = [];
    const index = make({ bytesMax: 1e9, entriesMax: 1000, onEvict: (slot) => evicted.push(slot) });
    for (let i = 0; i < 1500; i++) index.admit(1);
    expect(index.size).toBe(1000);
    expect(evicted.length).toBe(500);
  });
});

test('SIEVE keeps what is used through a scan that washes an LRU out', () => {
  const survivors = (make: (init: EvictionInit) => EvictionIndex): number => {
    const gone = new Set<number>();
    const index = make({ bytesMax: 112, entriesMax: 1000, onEvict: (slot) => gone.add(slot) });
    const hot = Array.from({ length: 20 }, () => index.admit(1));
    for (const slot of hot) index.touch(slot);
    const alive = (): number[] => hot.filter((slot) => !gone.has(slot));
    for (let i = 0; i < 150; i++) index.admit(1);
    return alive().length;
  };
  expect(survivors((init) => new SieveIndex(init))).toBe(20);
  expect(survivors((init) => new LruIndex(init))).toBe(0);
});
