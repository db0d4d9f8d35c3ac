import { subjectAggregate, subjectAggregateId, subjectErasure, type ErasureOrder } from '#domain/access';
import type { AggregateStore, Clock, Effect, IdSource, SubjectKeyStore } from '#ports';
import { CommandExecutor, type EffectResult, type EffectWorker, type Logger } from '#runtime';

export interface ErasureWorkerDeps {
  readonly store: SubjectKeyStore;
  readonly aggregates: AggregateStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** CloudEvents `source`. */
  readonly source: string;
  readonly logger: Logger;
}

/** Clocks of the database and of processes differ; what was made later was made for somebody who came back. */
const clocksDifferMs = 5000;

/**
 * Does here what another region's erasure asks for: its destroyed keys count as erased, and this region's own keys of the same
 * subject are destroyed, which is an event of this region, for the others to know that its values are erased, too.
 */
export class ErasureWorker implements EffectWorker {
  readonly kind = subjectErasure;
  readonly concurrency = 2;
  readonly triesMax = 1000;
  readonly #deps: ErasureWorkerDeps;

  constructor(deps: ErasureWorkerDeps) {
    this.#deps = deps;
  }

  backOffMs(tries: number): number {
    return Math.min(600_000, 1000 * 2 ** Math.min(tries, 12));
  }

  async perform(effect: Effect): Promise<EffectResult> {
    const order = effect.payload as unknown as ErasureOrder;
    const { keyIds, tenant, subject, erasedAtMs, shared } = order;
    await this.#deps.store.noteErased(
      keyIds.map((keyId) => ({ keyId, tenant, subject })),
      erasedAtMs,
    );
    for (const own of shared === null ? [] : await this.#deps.store.linked(shared)) await this.#erase(own, order, effect);
    return { outcome: 'succeeded' };
  }

  async #erase(subject: string, { ofTenant, reason }: ErasureOrder, { createdAtMs, correlationId, eventId, tenant }: Effect): Promise<void> {
    const { store, aggregates, clock, ids, source, logger } = this.#deps;
    const keys = (await store.ofSubject(subject)).filter(({ tenant: of }) => ofTenant === null || of === ofTenant);
    const live = keys.filter((one) => one.key !== undefined && one.createdAtMs <= createdAtMs + clocksDifferMs).map(({ keyId }) => keyId);
    if (live.length === 0) return;
    // Destroying the keys and putting it on record is one transaction.
    const commit: AggregateStore['commit'] = (decided) => store.erase(live, clock.now(), decided);
    const load: AggregateStore['load'] = (context, id) => aggregates.load(context, id);
    const commands = new CommandExecutor({ aggregates: { load, commit }, clock, ids, source });
    const meta = { actor: 'system:projector', correlationId, causationId: eventId, tenant };
    await commands.execute(subjectAggregate, subjectAggregateId(subject), { type: 'EraseSubject', subject, keyIds: live, reason }, meta);
    logger.info({ subject, keys: live.length }, 'a subject is erased here because another region erased it');
  }
}
