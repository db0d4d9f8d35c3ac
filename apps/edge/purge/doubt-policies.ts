import type { Trust } from '#core/http-cache';
import type { PurgePolicy } from '#events';

/** What this edge does, tenant by tenant, while it cannot know what was purged. */
export class DoubtPolicies {
  readonly #policies = new Map<string, PurgePolicy>();
  readonly #doubts: Readonly<Record<PurgePolicy, Trust>>;
  readonly #known: Trust;
  readonly #otherwise: PurgePolicy;

  /**
   * @param otherwise for tenants that said nothing
   * @param doubtFreshMs how long the origin's word is believed without the log
   */
  constructor(otherwise: PurgePolicy, doubtFreshMs: number) {
    this.#otherwise = otherwise;
    this.#known = { purgesKnown: true, doubtFreshMs };
    const doubt = (inDoubt: PurgePolicy): Trust => ({ purgesKnown: false, doubtFreshMs, inDoubt });
    this.#doubts = { serve: doubt('serve'), revalidate: doubt('revalidate'), refuse: doubt('refuse') };
  }

  /** What is worth storing. */
  get all(): ReadonlyArray<{ readonly tenant: string; readonly policy: PurgePolicy }> {
    return [...this.#policies].map(([tenant, policy]) => ({ tenant, policy }));
  }

  /** @param policy null for what this edge is set to */
  set(tenant: string, policy: PurgePolicy | null): void {
    if (policy === null) this.#policies.delete(tenant);
    else this.#policies.set(tenant, policy);
  }

  trust(tenant: string, purgesKnown: boolean): Trust {
    return purgesKnown ? this.#known : this.#doubts[this.#policies.get(tenant) ?? this.#otherwise];
  }
}
