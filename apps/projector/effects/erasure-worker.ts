import { subjectErasure, type ErasureOrder } from '#domain/access';
import type { Effect, SubjectKeyStore } from '#ports';
import type { EffectResult, EffectWorker } from '#runtime';
import type { RegionErasures } from './region-erasures.ts';

export interface ErasureWorkerDeps {
  readonly store: SubjectKeyStore;
  readonly erasures: RegionErasures;
}

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

  async perform({ payload, eventId, createdAtMs, correlationId }: Effect): Promise<EffectResult> {
    // An effect of the version before says nothing of secrets and regions.
    const order = { check: null, origin: '', ...payload } as unknown as ErasureOrder;
    const { keyIds, tenant, subject, erasedAtMs } = order;
    await this.#deps.store.noteErased(
      keyIds.map((keyId) => ({ keyId, tenant, subject })),
      erasedAtMs,
    );
    await this.#deps.erasures.take({ order, eventId, heardAtMs: createdAtMs, correlationId });
    return { outcome: 'succeeded' };
  }
}
