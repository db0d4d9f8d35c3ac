import { subjectAggregate, subjectAggregateId, type ErasureOrder } from '#domain/access';
import type { AggregateStore, Clock, IdSource, KeptErasure, KeptErasures, MasterKey, SubjectKeyStore } from '#ports';
import {
  CommandExecutor,
  metrics,
  SubjectLinker,
  type Counter,
  type KeptBecause,
  type Linked,
  type LockedKeys,
  type Logger,
  type RegionSecrets,
  type Telemetry,
} from '#runtime';

export interface RegionErasuresDeps {
  readonly store: SubjectKeyStore;
  readonly kept: KeptErasures;
  readonly aggregates: AggregateStore;
  readonly master: MasterKey;
  readonly secrets: RegionSecrets;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** CloudEvents `source`. */
  readonly source: string;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/** An erasure in another region, as it was heard of here. */
export interface HeardErasure {
  readonly order: ErasureOrder;
  readonly eventId: string;
  /** Keys made later are of somebody who came back. */
  readonly heardAtMs: number;
  readonly correlationId: string;
}

/** Links all subjects by a secret that we know. */
type LinkAll = (check: string) => Promise<Linked>;

/** Clocks of the database and of processes differ; what was made later was made for somebody who came back. */
const clocksDifferMs = 5000;
/** How often a region is told of in the log whose erasures cannot be done, ms. */
const tellEveryMs = 600_000;
const keptAtOnce = 200;
/** How long it is believed which keys are locked, ms: to try them takes a call of the key service each. */
const lockedForMs = 60_000;

/**
 * Does here what other regions erase. One whose subject nobody here can know, because it is named by another secret than ours
 * or because our keys are locked, is kept and done once that is mended. Whatever is done twice is on record once: keys are
 * destroyed, and the event committed, in one transaction of the subject's own aggregate.
 */
export class RegionErasures {
  readonly #deps: RegionErasuresDeps;
  readonly #linker: SubjectLinker;
  readonly #passedOver: Counter<'origin'>;
  readonly #toldAt = new Map<string, number>();
  /** By the secret that they are not linked by. */
  readonly #locked = new Map<string, { readonly atMs: number; readonly keys: readonly LockedKeys[] }>();

  constructor(deps: RegionErasuresDeps) {
    this.#deps = deps;
    this.#linker = new SubjectLinker(deps);
    this.#passedOver = deps.telemetry.meter.counter(metrics.passedOverErasures);
  }

  /** Keys of our own that could not be unwrapped when they were tried last, so that kept erasures may mean their subjects. */
  get locked(): readonly LockedKeys[] {
    const of = [...this.#locked.values()].map(({ keys }) => keys);
    return of.toSorted((one, other) => countOf(other) - countOf(one))[0] ?? [];
  }

  /** Does it, or keeps it. */
  async take(heard: HeardErasure): Promise<void> {
    const { kept } = this.#deps;
    if (await this.#carryOut(heard)) await kept.settle((await this.#covered(heard)).map(({ eventId }) => eventId));
    else await this.#keep(heard);
  }

  /**
   * At a start, when secrets may be others than before: links what our secret does not know yet, and does what is kept, as far as
   * it can be done. May end anywhere, and be done by several at once.
   */
  async begin(signal?: AbortSignal): Promise<void> {
    const { secrets, logger } = this.#deps;
    if (secrets.check !== undefined) {
      const { linked, locked } = await this.#link(secrets.check, signal);
      if (linked > 0) logger.info({ linked, locked: countOf(locked) }, 'subjects are named to other regions by the REGION_SECRET of now');
    }
    await this.#doKept(() => true, signal);
  }

  /** Does what is kept although its secret is ours, once the keys are not locked any more; tells what is kept for its secret. */
  goOn(signal?: AbortSignal): Promise<void> {
    return this.#doKept(({ check }) => this.#deps.secrets.checks.includes(check), signal);
  }

  async #doKept(isTried: (one: KeptErasure) => boolean, signal: AbortSignal | undefined): Promise<void> {
    const failures: unknown[] = [];
    const linking = new Map<string, Promise<Linked>>();
    const linkOnce: LinkAll = (check) => {
      const begun = linking.get(check) ?? this.#link(check);
      linking.set(check, begun);
      return begun;
    };
    for (let after: string | undefined; !isOver(signal);) {
      const some = await this.#deps.kept.kept(keptAtOnce, after);
      for (const one of some) {
        if (isOver(signal)) return;
        try {
          const isDone = isTried(one) && (await this.#carryOut(one.order as unknown as HeardErasure, linkOnce));
          if (isDone) await this.#settle(one);
          else this.#tell(one.origin, one.check);
        } catch (error) {
          // The others do not wait for it.
          failures.push(error);
        }
      }
      after = some.at(-1)?.eventId;
      if (some.length < keptAtOnce) break;
    }
    if (failures.length > 0) throw failures[0];
  }

  /** False where nobody here can know who is meant. */
  async #carryOut(heard: HeardErasure, linkAll?: LinkAll): Promise<boolean> {
    const { shared, check } = heard.order;
    if (shared === null) return true;
    const { store, secrets } = this.#deps;
    let found = await store.linked(shared);
    if (found.length === 0) {
      // One of a version before says nothing of its secret: it may be any of ours.
      const checks = check === null ? secrets.checks : secrets.checks.filter((one) => one === check);
      if (check !== null && checks.length === 0) return false;
      // Who is locked is tried once in a while, not for each erasure that is heard of.
      if (check !== null && linkAll === undefined && this.#mayBeLocked(check, heard)) return false;
      // Another process may have written of the subject without our secret.
      for (const one of checks) await (linkAll?.(one) ?? this.#link(one));
      found = await store.linked(shared);
      if (found.length === 0) return this.#unknown(heard);
    }
    for (const subject of found) await this.#erase(subject, heard);
    return true;
  }

  /** About somebody of whom we have stored nothing, as far as anybody can tell. */
  #unknown(heard: HeardErasure): boolean {
    const { origin, check } = heard.order;
    if (check !== null) return !this.#mayBeLocked(check, heard);
    this.#passedOver.add(1, { origin });
    const why = 'they do not say by which secret they name their subjects, and by ours nobody is called so here';
    this.#say(`passed over ${origin}`, origin, `erasures of the region ${origin} are passed over: ${why}`);
    return true;
  }

  /** Whether a key of the subject may be among those that nobody can unwrap: of that tenant, and made before the erasure was asked for. */
  #mayBeLocked(check: string, { order: { ofTenant }, heardAtMs }: HeardErasure): boolean {
    const known = this.#locked.get(check);
    if (known === undefined || this.#deps.clock.now() - known.atMs > lockedForMs) return false;
    return known.keys.some(({ tenant, oldestAtMs }) => (ofTenant === null || ofTenant === tenant) && oldestAtMs <= heardAtMs + clocksDifferMs);
  }

  async #link(check: string, signal?: AbortSignal): Promise<Linked> {
    const linked = await this.#linker.link(check, signal);
    this.#locked.set(check, { atMs: this.#deps.clock.now(), keys: linked.locked });
    return linked;
  }

  async #erase(subject: string, { order, heardAtMs, correlationId, eventId }: HeardErasure): Promise<void> {
    const { store, aggregates, clock, ids, source, logger } = this.#deps;
    const { ofTenant, reason } = order;
    const keys = (await store.ofSubject(subject)).filter(({ tenant: of }) => ofTenant === null || of === ofTenant);
    const live = keys.filter((one) => one.key !== undefined && one.createdAtMs <= heardAtMs + clocksDifferMs);
    const load: AggregateStore['load'] = (context, id) => aggregates.load(context, id);
    for (const [tenant, some] of Map.groupBy(live, (one) => one.tenant)) {
      const keyIds = some.map(({ keyId }) => keyId);
      // Destroying the keys of a tenant and putting it on the tenant's record is one transaction.
      const commit: AggregateStore['commit'] = (decided) => store.erase(keyIds, clock.now(), decided);
      const commands = new CommandExecutor({ aggregates: { load, commit }, clock, ids, source });
      const meta = { actor: 'system:projector', correlationId, causationId: eventId, tenant };
      await commands.execute(subjectAggregate, subjectAggregateId(subject, tenant), { type: 'EraseSubject', subject, tenant, keyIds, reason }, meta);
      logger.info({ subject, tenant, keys: keyIds.length }, 'a subject is erased here because another region erased it');
    }
  }

  async #keep(heard: HeardErasure): Promise<void> {
    const { origin, subject, check } = heard.order;
    // What the same region asks of the same subject later, by a secret that we know, settles it.
    await this.#deps.kept.keep({ eventId: heard.eventId, origin, subject, check: check ?? '', heardAtMs: heard.heardAtMs, order: { ...heard } });
    this.#tell(origin, check ?? '');
  }

  async #settle(one: KeptErasure): Promise<void> {
    const { kept, logger } = this.#deps;
    await kept.settle([one.eventId]);
    logger.info({ origin: one.origin, eventId: one.eventId }, 'an erasure of another region that was kept is done');
  }

  /** What is kept and asks for no more than this, which was done. */
  async #covered({ order, heardAtMs }: HeardErasure): Promise<readonly KeptErasure[]> {
    if (order.shared === null) return [];
    const others = await this.#deps.kept.of(order.origin, order.subject);
    return others.filter((one) => {
      const { ofTenant } = (one.order as unknown as HeardErasure).order;
      return one.heardAtMs <= heardAtMs && (order.ofTenant === null || order.ofTenant === ofTenant);
    });
  }

  #tell(origin: string, check: string): void {
    const because = this.#deps.secrets.whyKept(check);
    this.#say(`${because} ${origin}`, origin, `erasures of the region ${origin} are kept, not done: ${whyKeptNow(because, this.locked)}`);
  }

  /** Each thing that is to be said of a region, once in a while, whatever it counts. */
  #say(about: string, origin: string, message: string): void {
    const { clock, logger } = this.#deps;
    const now = clock.now();
    if (now - (this.#toldAt.get(about) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) return;
    this.#toldAt.set(about, now);
    logger.warn({ origin }, message);
  }
}

/** Asked anew: it may have come to be meanwhile. */
function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

export function countOf(locked: readonly LockedKeys[]): number {
  return locked.reduce((sum, { count }) => sum + count, 0);
}

/** Why erasures are kept, for operators. */
export function whyKeptNow(because: KeptBecause, locked: readonly LockedKeys[]): string {
  return because === 'locked' ? lockedLine(locked) : whyKept[because];
}

const whyKept: Readonly<Record<Exclude<KeptBecause, 'locked'>, string>> = {
  'another-secret': 'its REGION_SECRET is another than ours',
  'no-secret': 'REGION_SECRET is not set here',
};

function lockedLine(locked: readonly LockedKeys[]): string {
  const count = countOf(locked);
  const masters = [...new Set(locked.flatMap(({ masterIds }) => masterIds))].toSorted().join(', ');
  if (count === 0) return 'they wait for keys of our own personal data that could not be unwrapped';
  const keys = count === 1 ? '1 key of our own personal data' : `${count} keys of our own personal data`;
  return `${keys} cannot be unwrapped by the master key ${masters}, and may be of those who are meant; everybody else is looked through`;
}
