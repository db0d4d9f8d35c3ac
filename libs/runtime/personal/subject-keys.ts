import { hasCode } from '#kernel';
import type { Clock, MasterKey, NewSubjectKey, SubjectKey, SubjectKeyStore, WrappedKey } from '#ports';
import { createHmac, hash, randomBytes } from 'node:crypto';
import type { Logger } from '../logging.ts';
import { KeyCache } from './key-cache.ts';
import { RegionSecrets } from './region-secrets.ts';
import { dataKeyOf, sealName, type DataKey } from './subject-cipher.ts';

export interface SubjectKeysInit {
  /** Keys kept in memory, for writing and for reading each; 10,000 by default. */
  readonly keysMax?: number;
  /** How often erasures are asked for while keys are kept, ms; 1,500 by default. */
  readonly pollMs?: number;
  /** How long kept keys are used while nobody can tell whether they were erased, ms; 4,000 by default. */
  readonly trustMs?: number;
}

export interface SubjectKeysDeps {
  readonly store: SubjectKeyStore;
  readonly master: MasterKey;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By what regions name subjects to each other. */
  readonly secrets?: RegionSecrets;
}

/** A subject as one tenant's events name it. */
export interface Person {
  readonly tenant: string;
  /** Such as `viewer:v-4711`. */
  readonly subject: string;
}

/** What became of a key. */
export type KnownKey = { readonly is: 'live'; readonly key: DataKey } | { readonly is: 'erased'; readonly atMs: number } | { readonly is: 'locked' };

/** The row whose key turns names of subjects into what stands for them. */
export const indexSubject = 'index';
const locked: KnownKey = { is: 'locked' };

/**
 * Keys of subjects, kept in memory for as long as they are not erased: whoever erases one is heard of within `pollMs`, and
 * while the database is away no key is used for longer than `trustMs`.
 */
export class SubjectKeys {
  readonly #deps: SubjectKeysDeps;
  readonly #secrets: RegionSecrets;
  readonly #pollMs: number;
  readonly #trustMs: number;
  /** By {@link nameOf}. */
  readonly #writing: KeyCache<DataKey>;
  /** By the id of the key. */
  readonly #reading: KeyCache<KnownKey>;
  readonly #listeners = new Set<() => void>();
  #index: Promise<Uint8Array> | undefined;
  #last: bigint | undefined;
  /** When the erasures were heard last; on the monotonic clock. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #toldLocked = 0;

  constructor({ keysMax = 10_000, pollMs = 1_500, trustMs = 4_000 }: SubjectKeysInit, deps: SubjectKeysDeps) {
    this.#deps = deps;
    this.#secrets = deps.secrets ?? new RegionSecrets();
    this.#pollMs = pollMs;
    this.#trustMs = trustMs;
    this.#writing = new KeyCache(keysMax);
    this.#reading = new KeyCache(keysMax);
  }

  /** Stops asking for erasures. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#forgetAll();
  }

  /** Asks for erasures now. @throws OperatingError of the store */
  async refresh(): Promise<void> {
    await this.#polling;
    await this.#poll();
  }

  /** Calls back whenever a key of any subject was erased: what was decrypted and kept must go. */
  onErased(listener: () => void): void {
    this.#listeners.add(listener);
    this.#watch();
  }

  /** What stands for a subject: a keyed hash, which nobody without the master key can try names on. */
  async standInOf(subject: string): Promise<string> {
    return this.#keyedHash(await this.#indexKey(), `subject\n${subject}`).toString('base64url', 0, 16);
  }

  /** By what regions name subjects to each other; empty where they do not. */
  get secrets(): RegionSecrets {
    return this.#secrets;
  }

  /**
   * What stood for the content of an event that tells of somebody, until the subject's own key did: whoever has the master key can try
   * contents on it, also of somebody who was erased. Only for what was remembered so.
   */
  async formerContentStandIn(content: string): Promise<string> {
    return hash('sha256', `${Buffer.from(await this.#indexKey()).toString('hex')}content\n${content}`, 'base64url');
  }

  /**
   * The live keys of these subjects by {@link nameOf}; whoever has none gets one.
   * @throws OperatingError of the store, `MASTER_KEY_MISSING`, `MASTER_KEY_UNAVAILABLE`
   */
  async forWriting(people: readonly Person[]): Promise<ReadonlyMap<string, DataKey>> {
    await this.#fresh();
    const found = new Map<string, DataKey>();
    const missing = new Map<string, Person>();
    for (const person of people) {
      const name = nameOf(person);
      const key = this.#writing.get(name);
      if (key === undefined) missing.set(name, person);
      else found.set(name, key);
    }
    if (missing.size > 0) for (const [name, key] of await this.#ensure([...missing.values()])) found.set(name, key);
    return found;
  }

  /** What is known of these keys. One that cannot be unwrapped, or that nobody knows, is locked. @throws OperatingError of the store */
  async forReading(keyIds: readonly string[]): Promise<ReadonlyMap<string, KnownKey>> {
    await this.#fresh();
    const found = new Map<string, KnownKey>();
    const missing: string[] = [];
    for (const keyId of new Set(keyIds)) {
      const known = this.#reading.get(keyId);
      if (known === undefined) missing.push(keyId);
      else found.set(keyId, known);
    }
    if (missing.length === 0) return found;
    const heard = this.#last;
    const stored = new Map((await this.#deps.store.byId(missing)).map((key) => [key.keyId, key]));
    for (const keyId of missing) {
      const known = await this.#known(stored.get(keyId));
      found.set(keyId, known);
      // A key that is locked now may be had in a moment; one that was read before an erasure was heard of may be erased.
      if (known.is !== 'locked' && heard === this.#last) this.#reading.set(keyId, known);
    }
    return found;
  }

  /** The live key of a subject, if it has one: none is made. Without a tenant that of the one who has it, the default tenant first. */
  async peek(subject: string, tenant?: string): Promise<DataKey | undefined> {
    await this.#fresh();
    const all = await this.#deps.store.live([await this.standInOf(subject)]);
    const stored = all.find((one) => one.tenant === (tenant ?? 'default')) ?? (tenant === undefined ? all[0] : undefined);
    return stored === undefined ? undefined : this.#unwrapped(stored);
  }

  /** True when a key of that subject was erased, and it may have a new one. @throws OperatingError of the store */
  async wasErased({ tenant, subject }: Person): Promise<boolean> {
    const all = await this.#deps.store.ofSubject(await this.standInOf(subject));
    return all.some((one) => one.tenant === tenant && one.erasedAtMs !== undefined);
  }

  async #ensure(people: readonly Person[]): Promise<ReadonlyMap<string, DataKey>> {
    const { store } = this.#deps;
    const heard = this.#last;
    const hidden = await Promise.all(people.map(async ({ tenant, subject }) => ({ tenant, subject: await this.standInOf(subject) })));
    // Before there is anything to erase.
    await this.#link(people, hidden);
    const stored = new Map((await store.live(hidden.map(({ subject }) => subject))).map((key) => [nameOf(key), key]));
    const missing = hidden.flatMap((person, at) => (stored.has(nameOf(person)) ? [] : [{ ...person, name: people[at]?.subject ?? '' }]));
    if (missing.length > 0) for (const key of await this.#make(missing)) stored.set(nameOf(key), key);
    const made = new Map<string, DataKey>();
    const unnamed: Array<{ keyId: string; sealedName: string }> = [];
    for (const [at, person] of people.entries()) {
      const found = stored.get(nameOf(hidden[at] as Person)) as SubjectKey;
      const key = await this.#unwrapped(found);
      if (found.sealedName === undefined) unnamed.push({ keyId: found.keyId, sealedName: sealName(key, person.subject) });
      if (heard === this.#last) this.#writing.set(nameOf(person), key);
      made.set(nameOf(person), key);
    }
    if (unnamed.length > 0) await store.name(unnamed);
    return made;
  }

  async #link(people: readonly Person[], hidden: readonly Person[]): Promise<void> {
    const { check } = this.#secrets;
    if (check === undefined) return;
    const links = people.map(({ subject }, at) => ({ shared: this.#secrets.standInOf(subject) as string, check, subject: hidden[at]?.subject ?? '' }));
    await this.#deps.store.link(links);
  }

  async #make(missing: ReadonlyArray<Person & { readonly name: string }>): Promise<readonly SubjectKey[]> {
    const { store, master } = this.#deps;
    const secrets = new Map<string, Uint8Array>();
    const fresh: NewSubjectKey[] = [];
    for (const { tenant, subject, name } of missing) {
      const [keyId, secret] = [randomBytes(16).toString('base64url'), randomBytes(32)];
      secrets.set(keyId, secret);
      fresh.push({ keyId, tenant, subject, sealedName: sealName(dataKeyOf(keyId, secret), name), ...(await master.wrap(secret)) });
    }
    const stored = await store.ensure(fresh);
    // A new master key that came in between may have been put over all keys but these, and the one before be gone soon.
    const newest = await master.newest();
    for (const { keyId, masterId } of fresh) if (masterId !== newest) await store.rewrap(keyId, masterId, await master.wrap(secrets.get(keyId) as Uint8Array));
    return stored;
  }

  async #unwrapped({ keyId, key }: SubjectKey): Promise<DataKey> {
    return dataKeyOf(keyId, await this.#deps.master.unwrap(key as NonNullable<SubjectKey['key']>));
  }

  async #known(stored: SubjectKey | undefined): Promise<KnownKey> {
    if (stored?.erasedAtMs !== undefined) return { is: 'erased', atMs: stored.erasedAtMs };
    if (stored === undefined) return locked;
    try {
      return { is: 'live', key: await this.#unwrapped(stored) };
    } catch (err) {
      this.#tellLocked(err);
      return locked;
    }
  }

  /** Readers go on without the key; once a minute is enough to hear of it. */
  #tellLocked(err: unknown): void {
    const now = this.#deps.clock.now();
    if (now - this.#toldLocked < 60_000) return;
    this.#toldLocked = now;
    this.#deps.logger.error({ err }, 'personal values are shown as locked: the key of a subject cannot be unwrapped');
  }

  /** Made once for the platform, by whoever needs it first. */
  #indexKey(): Promise<Uint8Array> {
    this.#index ??= this.#openIndex().catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return this.#index;
  }

  async #openIndex(): Promise<Uint8Array> {
    const { store, master } = this.#deps;
    const [stored] = await store.live([indexSubject]);
    const key = stored ?? (await store.ensure([{ ...(await this.#freshIndex()), ...(await master.wrap(randomBytes(32))) }]))[0];
    return master.unwrap(key?.key as NonNullable<SubjectKey['key']>);
  }

  /** The one before may have been given up with its master key. */
  async #freshIndex(): Promise<Omit<NewSubjectKey, keyof WrappedKey>> {
    const isFirst = (await this.#deps.store.ofSubject(indexSubject)).length === 0;
    const keyId = isFirst ? indexSubject : `${indexSubject}-${randomBytes(8).toString('base64url')}`;
    return { keyId, tenant: '*', subject: indexSubject, sealedName: undefined };
  }

  #keyedHash(key: Uint8Array, text: string): Buffer {
    return createHmac('sha256', key).update(text).digest();
  }

  /** Makes sure that kept keys may be used. @throws OperatingError of the store when nobody can tell */
  async #fresh(): Promise<void> {
    this.#watch();
    if (performance.now() - this.#heardAt > this.#trustMs) await this.#poll();
  }

  #watch(): void {
    this.#timer ??= setInterval(() => {
      this.#poll().catch((err: unknown) => {
        if (performance.now() - this.#heardAt > this.#trustMs) this.#forgetAll();
        this.#deps.logger.warn({ err }, 'erasures of personal data cannot be asked for; keys are not kept meanwhile');
      });
    }, this.#pollMs).unref();
  }

  #poll(): Promise<void> {
    this.#polling ??= this.#hear().finally(() => (this.#polling = undefined));
    return this.#polling;
  }

  async #hear(): Promise<void> {
    const askedAt = performance.now();
    const before = this.#last;
    const { last, keyIds } = await this.#deps.store.erasures(before ?? 0n);
    // What was erased before anything was kept concerns nothing that is kept.
    if (before !== undefined && keyIds.length > 0) this.#forget(new Set(keyIds));
    this.#last = last;
    this.#heardAt = askedAt;
  }

  #forget(erased: ReadonlySet<string>): void {
    this.#writing.drop((_, { keyId }) => erased.has(keyId));
    this.#reading.drop((keyId) => erased.has(keyId));
    if ([...erased].some(isIndexKey)) this.#index = undefined;
    this.#tell();
  }

  #forgetAll(): void {
    this.#writing.drop(() => true);
    this.#reading.drop(() => true);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** True for the key of names, which is nobody's: those of subjects have 22 letters. */
export function isIndexKey(keyId: string): boolean {
  return keyId === indexSubject || keyId.startsWith(`${indexSubject}-`);
}

/** A tenant's id holds no slash. */
export function nameOf({ tenant, subject }: Person): string {
  return `${tenant}/${subject}`;
}

/** True for a failure that more than one process has at the moment: the key service, or the database, is away. */
export function isKeyTrouble(error: unknown): boolean {
  return hasCode(error, 'MASTER_KEY_MISSING') || hasCode(error, 'MASTER_KEY_UNAVAILABLE') || hasCode(error, 'DATABASE_UNAVAILABLE');
}
