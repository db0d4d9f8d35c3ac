import { hashOf, TextHash, type PurgeLabel } from './purge-label.codec.ts';
import { objectKeyOf } from './slices.core.ts';
import { pathOfKey } from './target.codec.ts';

/**
 * What a purge names. Paths (with their query), prefixes of them and patterns are held against what follows a key's zone
 * and host: of all objects, or of those that carry a label.
 */
export type PurgeTarget =
  | { readonly kind: 'all' }
  | { readonly kind: 'label'; readonly label: PurgeLabel }
  | { readonly kind: 'key'; readonly id: number }
  | { readonly kind: 'path'; readonly id: number }
  | { readonly kind: 'prefix'; readonly id: number; readonly length: number }
  | { readonly kind: 'pattern'; readonly pattern: string; readonly label: PurgeLabel | undefined };

/** The id of a path, or of a prefix of paths, among all objects or among those that carry a label. */
export function pathId(path: number, label: PurgeLabel | undefined): number {
  if (label === undefined) return path;
  const hash = new TextHash();
  for (const half of [path, path / 0x1_0000_0000, label, label / 0x1_0000_0000]) hash.add(Math.trunc(half));
  return hash.value;
}

/** What a purge is held against. */
export interface PurgeSubject {
  readonly key: string;
  readonly labels: readonly PurgeLabel[];
}

/** Makes a test of a pattern, in time linear in the text; throws for what is no pattern. */
export type CompilePattern = (pattern: string) => (text: string) => boolean;

export interface Mark {
  readonly generation: number;
  /** When it was applied, ms since the Unix epoch. */
  readonly atMs: number;
}

interface Ban extends Mark {
  readonly pattern: string;
  readonly label: PurgeLabel | undefined;
  readonly matches: (text: string) => boolean;
}

const nothing: Mark = { generation: 0, atMs: 0 };

/** The newest mark by id, and the newest of all: what is younger than that need not be looked up. */
class MarkTable {
  readonly marks = new Map<number, Mark>();
  newest = 0;

  /** Remembers a mark; the oldest is taken out and returned once there are too many. */
  set(id: number, mark: Mark, most: number): readonly [id: number, mark: Mark] | undefined {
    this.marks.delete(id);
    this.marks.set(id, mark);
    this.newest = mark.generation;
    if (this.marks.size <= most) return undefined;
    const [oldest] = this.marks as Iterable<[number, Mark]>;
    if (oldest !== undefined) this.marks.delete(oldest[0]);
    return oldest;
  }

  /** The mark of an id, if it is younger than `since`. */
  after(since: number, id: number): Mark | undefined {
    const mark = this.marks.get(id);
    return mark !== undefined && mark.generation > since ? mark : undefined;
  }

  clear(): void {
    this.marks.clear();
    this.newest = 0;
  }
}

function among(table: MarkTable, since: number, path: number, labels: readonly PurgeLabel[]): Mark | undefined {
  if (table.newest <= since) return undefined;
  const mark = table.after(since, path);
  if (mark !== undefined) return mark;
  for (const label of labels) {
    const scoped = table.after(since, pathId(path, label));
    if (scoped !== undefined) return scoped;
  }
  return undefined;
}

export interface PurgeMarksInit {
  /** Purges remembered one by one, of each kind. */
  readonly marksMax: number;
  /** Patterns remembered: each costs every object a look. */
  readonly patternsMax: number;
  readonly compile: CompilePattern;
}

/**
 * Which purges of one mode there were: the newest generation by key, label and prefix, and a list of patterns, the newest
 * last. Bounded: when the oldest is forgotten, everything that was not judged since counts as purged.
 */
export class PurgeMarks {
  readonly #init: PurgeMarksInit;
  readonly #keys = new MarkTable();
  readonly #paths = new MarkTable();
  readonly #labels = new MarkTable();
  readonly #prefixes = new MarkTable();
  /** How many marks there are of each length of prefix. */
  readonly #lengths = new Map<number, number>();
  readonly #prefixLengths = new Map<number, number>();
  #bans: Ban[] = [];
  #floor: Mark = nothing;

  constructor(init: PurgeMarksInit) {
    this.#init = init;
  }

  get floor(): Mark {
    return this.#floor;
  }

  add(target: PurgeTarget, mark: Mark): void {
    const { marksMax } = this.#init;
    switch (target.kind) {
      case 'all':
        return this.#forgetAll(mark);
      case 'key':
        return this.#raise(this.#keys.set(target.id, mark, marksMax)?.[1]);
      case 'path':
        return this.#raise(this.#paths.set(target.id, mark, marksMax)?.[1]);
      case 'label':
        return this.#raise(this.#labels.set(target.label, mark, marksMax)?.[1]);
      case 'prefix':
        return this.#addPrefix(target.id, target.length, mark);
      case 'pattern':
        return this.#addPattern(target.pattern, target.label, mark);
    }
  }

  /** A purge after `since` that hits the subject; undefined when none does. */
  hit(found: PurgeSubject, since: number): Mark | undefined {
    if (since < this.#floor.generation) return this.#floor;
    const subject = { key: objectKeyOf(found.key), labels: found.labels };
    const byKey = this.#keys.newest > since ? this.#keys.after(since, hashOf(subject.key)) : undefined;
    if (byKey !== undefined) return byKey;
    if (this.#labels.newest > since) {
      for (const label of subject.labels) {
        const mark = this.#labels.after(since, label);
        if (mark !== undefined) return mark;
      }
    }
    const byPath = Math.max(this.#paths.newest, this.#prefixes.newest) > since ? this.#hitPath(subject, since) : undefined;
    return byPath ?? this.#hitPattern(subject, since);
  }

  /** All that is remembered. */
  *entries(): Iterable<[PurgeTarget, Mark]> {
    if (this.#floor.generation > 0) yield [{ kind: 'all' }, this.#floor];
    for (const [id, mark] of this.#keys.marks) yield [{ kind: 'key', id }, mark];
    for (const [id, mark] of this.#paths.marks) yield [{ kind: 'path', id }, mark];
    for (const [label, mark] of this.#labels.marks) yield [{ kind: 'label', label }, mark];
    for (const [id, mark] of this.#prefixes.marks) yield [{ kind: 'prefix', id, length: this.#prefixLengths.get(id) ?? 0 }, mark];
    for (const ban of this.#bans)
      yield [
        { kind: 'pattern', pattern: ban.pattern, label: ban.label },
        { generation: ban.generation, atMs: ban.atMs },
      ];
  }

  /** The path and its beginnings have their hashes in one go; only those that are as long as a purged prefix are looked up. */
  #hitPath({ key, labels }: PurgeSubject, since: number): Mark | undefined {
    const path = pathOfKey(key);
    const hash = new TextHash();
    for (let length = 0; length <= path.length; length++) {
      if (this.#lengths.has(length)) {
        const mark = among(this.#prefixes, since, hash.value, labels);
        if (mark !== undefined) return mark;
      }
      if (length < path.length) hash.add(path.charCodeAt(length));
    }
    return among(this.#paths, since, hash.value, labels);
  }

  /** The newest are last: what an object has been held against before is not looked at again. */
  #hitPattern({ key, labels }: PurgeSubject, since: number): Mark | undefined {
    let path: string | undefined;
    for (let at = this.#bans.length - 1; at >= 0; at--) {
      const ban = this.#bans[at] as Ban;
      if (ban.generation <= since) return undefined;
      if (ban.label !== undefined && !labels.includes(ban.label)) continue;
      path ??= pathOfKey(key);
      if (ban.matches(path)) return ban;
    }
    return undefined;
  }

  #addPrefix(id: number, length: number, mark: Mark): void {
    if (!this.#prefixes.marks.has(id)) this.#lengths.set(length, (this.#lengths.get(length) ?? 0) + 1);
    this.#prefixLengths.set(id, length);
    const oldest = this.#prefixes.set(id, mark, this.#init.marksMax);
    if (oldest === undefined) return;
    this.#dropPrefix(oldest[0]);
    this.#raise(oldest[1]);
  }

  #dropPrefix(id: number): void {
    const length = this.#prefixLengths.get(id);
    this.#prefixLengths.delete(id);
    if (length === undefined) return;
    const count = (this.#lengths.get(length) ?? 1) - 1;
    if (count === 0) this.#lengths.delete(length);
    else this.#lengths.set(length, count);
  }

  #addPattern(pattern: string, label: PurgeLabel | undefined, mark: Mark): void {
    const matches = this.#bans.find((ban) => ban.pattern === pattern)?.matches ?? this.#init.compile(pattern);
    // The same again makes the one before needless.
    this.#bans = this.#bans.filter((ban) => ban.pattern !== pattern || ban.label !== label);
    this.#bans.push({ ...mark, pattern, label, matches });
    if (this.#bans.length > this.#init.patternsMax) this.#raise(this.#bans.shift());
  }

  /** A mark is forgotten: what was not judged after it counts as purged. */
  #raise(forgotten: Mark | undefined): void {
    if (forgotten !== undefined && forgotten.generation > this.#floor.generation) this.#floor = { generation: forgotten.generation, atMs: forgotten.atMs };
  }

  #forgetAll(mark: Mark): void {
    this.#floor = mark;
    for (const table of [this.#keys, this.#paths, this.#labels, this.#prefixes]) table.clear();
    this.#lengths.clear();
    this.#prefixLengths.clear();
    this.#bans = [];
  }
}
