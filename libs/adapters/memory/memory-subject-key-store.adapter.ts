import {
  SubjectKeyStore,
  type AggregateCommit,
  type AggregateStore,
  type Clock,
  type Erasures,
  type NewSubjectKey,
  type SubjectKey,
  type SubjectKeyCounts,
  type SubjectLink,
  type UnlinkedQuery,
  type WrappedKey,
} from '#ports';

/** Keys that live as long as their object; what an erasure decides is committed to the aggregates handed in. */
export class MemorySubjectKeyStore extends SubjectKeyStore {
  readonly #aggregates: Pick<AggregateStore, 'commit'>;
  readonly #clock: Clock;
  readonly #keys = new Map<string, SubjectKey>();
  readonly #erased: string[] = [];
  /** By what stands for a subject in all regions. */
  readonly #links = new Map<string, SubjectLink[]>();

  constructor(aggregates: Pick<AggregateStore, 'commit'>, clock: Clock) {
    super();
    this.#aggregates = aggregates;
    this.#clock = clock;
  }

  get #all(): readonly SubjectKey[] {
    return [...this.#keys.values()];
  }

  override async live(subjects: readonly string[]): Promise<readonly SubjectKey[]> {
    return this.#all.filter(({ subject, key }) => key !== undefined && subjects.includes(subject));
  }

  override async ensure(keys: readonly NewSubjectKey[]): Promise<readonly SubjectKey[]> {
    for (const { keyId, tenant, subject, masterId, wrapped, sealedName } of keys) {
      if (this.#all.some((one) => one.subject === subject && one.tenant === tenant && one.key !== undefined)) continue;
      this.#keys.set(keyId, { keyId, tenant, subject, key: { masterId, wrapped }, sealedName, createdAtMs: this.#clock.now(), erasedAtMs: undefined });
    }
    const live = await this.live(keys.map(({ subject }) => subject));
    return live.filter((one) => keys.some(({ subject, tenant }) => subject === one.subject && tenant === one.tenant));
  }

  override async byId(keyIds: readonly string[]): Promise<readonly SubjectKey[]> {
    return keyIds.flatMap((keyId) => this.#keys.get(keyId) ?? []);
  }

  override async ofSubject(subject: string): Promise<readonly SubjectKey[]> {
    return this.#all.filter((one) => one.subject === subject);
  }

  override async erase(keyIds: readonly string[], atMs: number, commit: AggregateCommit): Promise<void> {
    await this.#aggregates.commit(commit);
    await this.eraseAgain(keyIds, atMs);
  }

  override async eraseAgain(keyIds: readonly string[], atMs: number): Promise<number> {
    const before = this.#erased.length;
    for (const one of await this.byId(keyIds)) {
      if (one.key === undefined) continue;
      this.#keys.set(one.keyId, { ...one, key: undefined, sealedName: undefined, erasedAtMs: atMs });
      this.#erased.push(one.keyId);
    }
    const alive = new Set(this.#all.flatMap(({ subject, key }) => (key === undefined ? [] : [subject])));
    const ended = new Set((await this.byId(keyIds)).map(({ subject }) => subject).filter((subject) => !alive.has(subject)));
    for (const [shared, links] of this.#links)
      this.#links.set(
        shared,
        links.filter(({ subject }) => !ended.has(subject)),
      );
    return this.#erased.length - before;
  }

  override async erasures(last: bigint): Promise<Erasures> {
    return { last: BigInt(this.#erased.length), keyIds: this.#erased.slice(Number(last)) };
  }

  override async wrappedByOthers(masterId: string, limit: number): Promise<readonly SubjectKey[]> {
    return this.#all.filter(({ key }) => key !== undefined && key.masterId !== masterId).slice(0, limit);
  }

  override async wrappedBy(masterId: string, limit: number): Promise<readonly SubjectKey[]> {
    return this.#all.filter(({ key }) => key?.masterId === masterId).slice(0, limit);
  }

  override async rewrap(keyId: string, fromMasterId: string, to: WrappedKey): Promise<boolean> {
    const one = this.#keys.get(keyId);
    if (one?.key?.masterId !== fromMasterId) return false;
    this.#keys.set(keyId, { ...one, key: to });
    return true;
  }

  override async counts(): Promise<SubjectKeyCounts> {
    const byMaster: Record<string, number> = {};
    for (const { key } of this.#all) if (key !== undefined) byMaster[key.masterId] = (byMaster[key.masterId] ?? 0) + 1;
    const live = Object.values(byMaster).reduce((sum, count) => sum + count, 0);
    const unnamed = this.#all.filter(({ key, sealedName, tenant }) => key !== undefined && sealedName === undefined && tenant !== '*').length;
    return { live, erased: this.#keys.size - live, byMaster, unnamed };
  }

  override async link(links: readonly SubjectLink[]): Promise<void> {
    for (const link of links) {
      const known = this.#links.get(link.shared) ?? [];
      if (!known.some(({ subject }) => subject === link.subject)) this.#links.set(link.shared, [...known, link]);
    }
  }

  override async linked(shared: string): Promise<readonly string[]> {
    return (this.#links.get(shared) ?? []).map(({ subject }) => subject);
  }

  override async name(keys: ReadonlyArray<Pick<NewSubjectKey, 'keyId' | 'sealedName'>>): Promise<void> {
    for (const { keyId, sealedName } of keys) {
      const one = this.#keys.get(keyId);
      if (one?.key !== undefined && one.sealedName === undefined) this.#keys.set(keyId, { ...one, sealedName });
    }
  }

  override async unlinked({ check, after, limit }: UnlinkedQuery): Promise<readonly SubjectKey[]> {
    const linked = new Set([...this.#links.values()].flat().flatMap((link) => (link.check === check ? link.subject : [])));
    const open = this.#all.filter(
      ({ keyId, key, sealedName, subject }) => key !== undefined && sealedName !== undefined && keyId > after && !linked.has(subject),
    );
    return open.toSorted((one, other) => (one.keyId < other.keyId ? -1 : 1)).slice(0, limit);
  }

  override async noteErased(keys: ReadonlyArray<Pick<SubjectKey, 'keyId' | 'tenant' | 'subject'>>, atMs: number): Promise<void> {
    for (const one of keys) {
      if (this.#keys.has(one.keyId)) continue;
      this.#keys.set(one.keyId, { ...one, key: undefined, sealedName: undefined, createdAtMs: atMs, erasedAtMs: atMs });
      this.#erased.push(one.keyId);
    }
  }
}
