import { subjectAggregate, subjectAggregateId, type ErasureOrder } from '#domain/access';
import type { AggregateStore, Clock, IdSource, KeptErasure, KeptErasures, MasterKey, SubjectKeyStore } from '#ports';
import { CommandExecutor, SubjectLinker, type KeptBecause, type Linked, type Logger, type RegionSecrets } from '#runtime';

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
}

/** An erasure in another region, as it was heard of here. */
export interface HeardErasure {
  readonly order: ErasureOrder;
  readonly eventId: string;
  /** Keys made later are of somebody who came back. */
  readonly heardAtMs: number;
  readonly tenant: string;
  readonly correlationId: string;
}

/** Links all subjects by a secret that we know. */
type LinkAll = (check: string) => Promise<Linked>;

/** Clocks of the database and of processes differ; what was made later was made for somebody who came back. */
const clocksDifferMs = 5000;
/** How often a region is told of in the log whose erasures cannot be done, ms. */
const tellEveryMs = 600_000;
const keptAtOnce = 200;

/**
 * Does here what other regions erase. One whose subject nobody here can know, because it is named by another secret than ours
 * or because our keys are locked, is kept and done once that is mended. Whatever is done twice is on record once: keys are
 * destroyed, and the event committed, in one transaction of the subject's own aggregate.
 */
export class RegionErasures {
  readonly #deps: RegionErasuresDeps;
  readonly #linker: SubjectLinker;
  readonly #toldAt = new Map<string, number>();

  constructor(deps: RegionErasuresDeps) {
    this.#deps = deps;
    this.#linker = new SubjectLinker(deps);
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
      const { linked, locked } = await this.#linker.link(secrets.check, signal);
      if (linked > 0) logger.info({ linked, locked }, 'subjects are named to other regions by the REGION_SECRET of now');
    }
    await this.#doKept(() => true, signal);
  }

  /** Does what is kept although its secret is ours, once the keys are not locked any more; tells what is kept for its secret. */
  goOn(signal?: AbortSignal): Promise<void> {
    return this.#doKept(({ check }) => this.#deps.secrets.checks.includes(check), signal);
  }

  async #doKept(isTried: (one: KeptErasure) => boolean, signal: AbortSignal | undefined): Promise<void> {
    const linking = new Map<string, Promise<Linked>>();
    const linkOnce: LinkAll = (check) => {
      const begun = linking.get(check) ?? this.#linker.link(check);
      linking.set(check, begun);
      return begun;
    };
    for (let after: string | undefined; !isOver(signal);) {
      const some = await this.#deps.kept.kept(keptAtOnce, after);
      for (const one of some) {
        if (isOver(signal)) return;
        const isDone = isTried(one) && (await this.#carryOut(one.order as unknown as HeardErasure, linkOnce));
        if (isDone) await this.#settle(one);
        else this.#tell(one.origin, one.check);
      }
      after = some.at(-1)?.eventId;
      if (some.length < keptAtOnce) return;
    }
  }

  /** False where nobody here can know who is meant. */
  async #carryOut(heard: HeardErasure, linkAll: LinkAll = (check) => this.#linker.link(check)): Promise<boolean> {
    const { shared, check } = heard.order;
    if (shared === null) return true;
    const { store, secrets } = this.#deps;
    let found = await store.linked(shared);
    let isKnown = check === null || secrets.checks.includes(check);
    if (found.length === 0 && check !== null && isKnown) {
      // Another process may have written of the subject without our secret.
      const { locked } = await linkAll(check);
      found = await store.linked(shared);
      isKnown = locked === 0;
    }
    for (const subject of found) await this.#erase(subject, heard);
    return found.length > 0 || isKnown;
  }

  async #erase(subject: string, { order, heardAtMs, correlationId, eventId, tenant }: HeardErasure): Promise<void> {
    const { store, aggregates, clock, ids, source, logger } = this.#deps;
    const { ofTenant, reason } = order;
    const keys = (await store.ofSubject(subject)).filter(({ tenant: of }) => ofTenant === null || of === ofTenant);
    const live = keys.filter((one) => one.key !== undefined && one.createdAtMs <= heardAtMs + clocksDifferMs).map(({ keyId }) => keyId);
    if (live.length === 0) return;
    // Destroying the keys and putting it on record is one transaction.
    const commit: AggregateStore['commit'] = (decided) => store.erase(live, clock.now(), decided);
    const load: AggregateStore['load'] = (context, id) => aggregates.load(context, id);
    const commands = new CommandExecutor({ aggregates: { load, commit }, clock, ids, source });
    const meta = { actor: 'system:projector', correlationId, causationId: eventId, tenant };
    await commands.execute(subjectAggregate, subjectAggregateId(subject), { type: 'EraseSubject', subject, keyIds: live, reason }, meta);
    logger.info({ subject, keys: live.length }, 'a subject is erased here because another region erased it');
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
    const { clock, logger, secrets } = this.#deps;
    const now = clock.now();
    if (now - (this.#toldAt.get(origin) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) return;
    this.#toldAt.set(origin, now);
    logger.warn({ origin }, `erasures of the region ${origin} are kept, not done: ${whyKept[secrets.whyKept(check)]}`);
  }
}

/** Asked anew: it may have come to be meanwhile. */
function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Why erasures are kept, for operators. */
export const whyKept: Readonly<Record<KeptBecause, string>> = {
  'another-secret': 'its REGION_SECRET is another than ours',
  'no-secret': 'REGION_SECRET is not set here',
  locked: 'the master key of our own personal data is not here',
};
