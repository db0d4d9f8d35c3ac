import { defaultTenant, masterKeyAggregateId, subjectAggregate, subjectAggregateId, type SubjectCommand } from '#domain/access';
import { addressSubject, subjectErased, type EventEnvelope } from '#events';
import { hasCode } from '#kernel';
import type { AggregateStore, Clock, IdSource, Lease, LeaseStore, MasterKey, SubjectKey, SubjectKeyStore, WrappedKey } from '#ports';
import { CommandExecutor, isIndexKey, type CommandMeta, type PersonalData } from '#runtime';
import { conflict, notFound } from '../http/problem.errors.ts';

export interface SubjectErasureDeps {
  readonly store: SubjectKeyStore;
  readonly master: MasterKey;
  readonly personal: PersonalData;
  readonly aggregates: AggregateStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** CloudEvents `source`. */
  readonly source: string;
  /** Other regions write events of the same people, under keys of their own. */
  readonly hasRegions: boolean;
}

/** `told`: other regions destroy their keys when they hear of it; `not-told`: they cannot know who is meant. */
export type ErasedElsewhereState = 'none' | 'told' | 'not-told';

export interface ErasedSubject extends FoundSubject {
  readonly alreadyErased: boolean;
  readonly elsewhere: ErasedElsewhereState;
}

export interface FoundSubject {
  /** A keyed hash of its name. */
  readonly subject: string;
  /** All that it ever had, the oldest first. */
  readonly keys: readonly SubjectKey[];
}

function asMissing(error: unknown): unknown {
  if (!hasCode(error, 'MASTER_KEY_MISSING')) return error;
  return conflict(
    'no-master-key',
    'There is no other master key yet: give every process one (MASTER_KEY_FILE, or a new file in the data folder), then ask again.',
  );
}

function asLocked(error: unknown): unknown {
  if (!hasCode(error, 'MASTER_KEY_MISSING')) return error;
  return conflict(
    'master-key-missing',
    `${(error as Error).message} Bring that master key back, or give it up (subjects/keys/give-up): until then nobody is found by name.`,
  );
}

function keysByTenant(keys: readonly SubjectKey[]): Map<string, readonly string[]> {
  const byTenant = Map.groupBy(keys, ({ tenant }) => tenant);
  return new Map([...byTenant].map(([tenant, some]) => [tenant, some.map(({ keyId }) => keyId)]));
}

/** Addresses have several spellings. */
function normal(name: string): string {
  const address = /^address:(.+)$/.exec(name)?.[1];
  return address === undefined ? name : (addressSubject(address) ?? name);
}

/** Keys put under a new master key by one question. */
const rewrapBatch = 500;
const rotationLease = 'master-key-rotation';
const rotationTtlMs = 60_000;

/** Destroys keys of subjects, and puts them under new master keys. */
export class SubjectErasure {
  readonly #deps: SubjectErasureDeps;

  constructor(deps: SubjectErasureDeps) {
    this.#deps = deps;
  }

  /** The keys of a subject, of one tenant or of all. @throws ProblemError 404 when it never had one */
  async find(name: string, tenant: string | undefined): Promise<FoundSubject> {
    const found = await this.#lookUp(name, tenant);
    if (found.keys.length === 0) throw this.#unknown();
    return found;
  }

  async #lookUp(name: string, tenant: string | undefined): Promise<FoundSubject> {
    const { personal, store } = this.#deps;
    const subject = await personal.keys.standInOf(normal(name)).catch((error: unknown) => Promise.reject(asLocked(error)));
    return { subject, keys: (await store.ofSubject(subject)).filter((key) => tenant === undefined || key.tenant === tenant) };
  }

  #unknown(): Error {
    const here = 'Nothing is stored under a key of this subject, and nothing ever was';
    const elsewhere = 'in this region. Other regions have keys of their own: ask there.';
    return notFound('unknown-subject', this.#deps.hasRegions ? `${here} ${elsewhere}` : `${here}.`);
  }

  /**
   * Destroys the keys of a subject here, and has other regions destroy theirs, also where this one knows nobody of the name.
   * @returns the keys as they are then, and whether there was anything to destroy. @throws ProblemError 404
   */
  async erase(name: string, reason: string, tenant: string | undefined, meta: CommandMeta): Promise<ErasedSubject> {
    const { store, personal, clock, aggregates, hasRegions } = this.#deps;
    const { subject, keys } = await this.#lookUp(name, tenant);
    const { secrets } = personal.keys;
    const [shared, check] = [secrets.standInOf(normal(name)), secrets.check];
    if (keys.length === 0 && shared === undefined) throw this.#unknown();
    const live = keysByTenant(keys.filter(({ key }) => key !== undefined));
    const told = shared === undefined || check === undefined ? undefined : { shared, check, ofTenant: tenant ?? null };
    // One of the events tells the other regions of all that is meant: that of the tenant, or the platform's own.
    const teller = told === undefined ? undefined : (tenant ?? defaultTenant);
    if (teller !== undefined && !live.has(teller)) live.set(teller, []);
    const load: AggregateStore['load'] = (context, id) => aggregates.load(context, id);
    let destroyed = 0;
    for (const [of, keyIds] of live) {
      // Destroying the keys of a tenant and putting it on the tenant's record is one transaction.
      const commit: AggregateStore['commit'] = (decided) => store.erase(keyIds, clock.now(), decided);
      const elsewhere = of === teller ? told : undefined;
      const command = { type: 'EraseSubject', subject, tenant: of, keyIds, reason, elsewhere } as const;
      const decided = await this.#execute({ load, commit }, subjectAggregateId(subject, of), command, { ...meta, tenant: of });
      // Of two who ask at once the second meets keys that it saw alive destroyed.
      for (const event of decided) if (event.type === subjectErased.type) destroyed += (event.data as { readonly keyIds: readonly string[] }).keyIds.length;
    }
    // On record as destroyed, and alive: the store is of a time before.
    const left = (await store.byId([...live.values()].flat())).filter(({ key }) => key !== undefined);
    destroyed += await store.eraseAgain(
      left.map(({ keyId }) => keyId),
      clock.now(),
    );
    if (live.size > 0) await personal.keys.refresh();
    const elsewhere = shared !== undefined ? 'told' : hasRegions ? 'not-told' : 'none';
    return {
      subject,
      keys: await store.byId(keys.map(({ keyId }) => keyId)),
      alreadyErased: destroyed === 0,
      elsewhere,
    };
  }

  /** Puts on record that somebody is given what is stored: each tenant's part on its own. */
  async recordExport({ subject, keys }: FoundSubject, reason: string, meta: CommandMeta): Promise<void> {
    for (const [tenant, keyIds] of keysByTenant(keys)) {
      const command = { type: 'ExportSubject', subject, tenant, keyIds, reason } as const;
      await this.#execute(this.#deps.aggregates, subjectAggregateId(subject, tenant), command, { ...meta, tenant });
    }
  }

  /**
   * Makes a new master key, or takes the newest that an operator gave, and puts all keys under it. May be asked again after a
   * failure: it goes on where it was.
   * @throws ProblemError 409 when somebody else is at it, or when there is no newer master key than the one that wraps everything
   * and none can be made here
   */
  async rotate(reason: string, meta: CommandMeta): Promise<{ readonly masterKey: string; readonly rewrapped: number }> {
    const { leases, ids } = this.#deps;
    const lease = await leases.acquire(rotationLease, `rotation/${ids.next()}`, rotationTtlMs);
    if (lease === undefined) throw conflict('rotation-running', 'A master key is being put over all keys already; wait for it.');
    try {
      return await this.#rotateUnder(lease, reason, meta);
    } finally {
      await leases.release(lease);
    }
  }

  async #rotateUnder(lease: Lease, reason: string, meta: CommandMeta): Promise<{ readonly masterKey: string; readonly rewrapped: number }> {
    const { store, master, leases } = this.#deps;
    // With keys left under an older one, a rotation was begun: by an operator who added a key, or one that failed half-way.
    const isBegun = (await store.wrappedByOthers(await master.newest(), 1)).length > 0;
    if (!isBegun) await master.renew().catch((error: unknown) => Promise.reject(this.#asConflict(error)));
    const masterKey = await master.newest();
    let rewrapped = 0;
    for (let keys = await store.wrappedByOthers(masterKey, rewrapBatch); keys.length > 0; keys = await store.wrappedByOthers(masterKey, rewrapBatch)) {
      for (const { keyId, key } of keys) {
        if (key === undefined) continue;
        const wrapped = await master.wrap(await master.unwrap(key));
        if (wrapped.masterId !== masterKey) throw conflict('rotation-running', 'Another master key was made meanwhile; ask again.');
        if (await store.rewrap(keyId, key.masterId, wrapped)) rewrapped++;
      }
      if (!(await leases.renew(lease, rotationTtlMs))) throw conflict('rotation-running', 'Somebody else went on with this; ask again.');
    }
    await this.#execute(this.#deps.aggregates, masterKeyAggregateId, { type: 'RotateMasterKey', masterId: masterKey, rewrapped, reason }, meta);
    await master.forgetBefore(masterKey);
    return { masterKey, rewrapped };
  }

  /**
   * Destroys all keys that a lost master key wraps, the key of names among them: what was encrypted under them counts as erased, and
   * people are written of again, under keys of their own. May be asked again after a failure.
   * @throws ProblemError 404 when nothing is wrapped by it, 409 when it is there after all, when there is no other, or when somebody else is at it
   */
  async giveUp(masterId: string, reason: string, meta: CommandMeta): Promise<{ readonly masterKey: string; readonly destroyed: number }> {
    const { leases, ids } = this.#deps;
    const lease = await leases.acquire(rotationLease, `giving-up/${ids.next()}`, rotationTtlMs);
    if (lease === undefined) throw conflict('rotation-running', 'A master key is being put over all keys; wait for it.');
    try {
      return await this.#giveUpUnder(lease, masterId, reason, meta);
    } finally {
      await leases.release(lease);
    }
  }

  async #giveUpUnder(lease: Lease, masterId: string, reason: string, meta: CommandMeta): Promise<{ readonly masterKey: string; readonly destroyed: number }> {
    const { store, master, aggregates, clock, leases, personal } = this.#deps;
    const [first] = await store.wrappedBy(masterId, 1);
    if (first?.key === undefined) throw notFound('unknown-master-key', `No key of personal data is under a master key ${masterId}.`);
    if (await this.#isThere(first.key))
      throw conflict('master-key-there', `The master key ${masterId} is there: what it wraps can be read. To be rid of it, put a new one over all keys.`);
    const masterKey = await master.newest().catch((error: unknown) => Promise.reject(asMissing(error)));
    const load: AggregateStore['load'] = (context, id) => aggregates.load(context, id);
    let destroyed = 0;
    for (let keys = await store.wrappedBy(masterId, rewrapBatch); keys.length > 0; keys = await store.wrappedBy(masterId, rewrapBatch)) {
      const all = keys.map(({ keyId }) => keyId);
      const keyIds = all.filter((keyId) => !isIndexKey(keyId));
      const commit: AggregateStore['commit'] = (decided) => store.erase(all, clock.now(), decided);
      await this.#execute({ load, commit }, masterKeyAggregateId, { type: 'GiveUpMasterKey', masterId, keyIds, reason }, meta);
      destroyed += keyIds.length;
      if (!(await leases.renew(lease, rotationTtlMs))) throw conflict('rotation-running', 'Somebody else went on with this; ask again.');
    }
    await personal.keys.refresh();
    return { masterKey, destroyed };
  }

  /** @throws OperatingError `MASTER_KEY_UNAVAILABLE`: nobody can tell at the moment. */
  async #isThere(key: WrappedKey): Promise<boolean> {
    try {
      await this.#deps.master.unwrap(key);
      return true;
    } catch (error) {
      if (hasCode(error, 'MASTER_KEY_MISSING')) return false;
      if (hasCode(error, 'SUBJECT_KEY_DAMAGED')) return true;
      throw error;
    }
  }

  #asConflict(error: unknown): unknown {
    return (error as { code?: unknown }).code === 'MASTER_KEY_READ_ONLY' ? conflict('master-key-read-only', (error as Error).message) : error;
  }

  async #execute(
    aggregates: Pick<AggregateStore, 'load' | 'commit'>,
    id: string,
    command: SubjectCommand,
    meta: CommandMeta,
  ): Promise<readonly EventEnvelope[]> {
    const { clock, ids, source } = this.#deps;
    const result = await new CommandExecutor({ aggregates, clock, ids, source }).execute(subjectAggregate, id, command, meta);
    if (result.refused) throw conflict(result.code, result.message);
    return result.events;
  }
}
