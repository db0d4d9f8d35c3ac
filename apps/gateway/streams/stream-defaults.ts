import { defaultLadder, sourceRung, type Rung } from '#domain/stream';

export interface StreamDefaultsInit {
  readonly dvrWindowMs: number;
  /** Tenants whose streams carry their source beside the encoded rungs; `*` for all. */
  readonly passThroughTenants: ReadonlySet<string>;
}

/** What a stream gets that was created without saying; a class, because it is a Nest token. */
export class StreamDefaults {
  readonly dvrWindowMs: number;
  readonly #passThroughTenants: ReadonlySet<string>;

  constructor({ dvrWindowMs, passThroughTenants }: StreamDefaultsInit) {
    this.dvrWindowMs = dvrWindowMs;
    this.#passThroughTenants = passThroughTenants;
  }

  ladderFor(tenant: string): readonly Rung[] {
    const tenants = this.#passThroughTenants;
    return tenants.has('*') || tenants.has(tenant) ? [sourceRung, ...defaultLadder] : defaultLadder;
  }
}
