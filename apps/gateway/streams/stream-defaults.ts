import { defaultAudioBitrate, defaultLadder, defaultProfileName, defaultSegmentDurationMs, sourceRung, type StreamSettings } from '#domain/stream';
import { badRequest } from '../http/problem.errors.ts';
import type { ProfileDesk } from '../profiles/profile-desk.ts';

export interface StreamDefaultsInit {
  readonly dvrWindowMs: number;
  /** Tenants whose streams carry their source beside the encoded rungs; `*` for all. */
  readonly passThroughTenants: ReadonlySet<string>;
}

/** What a stream gets that was created without saying; a class, because it is a Nest token. */
export class StreamDefaults {
  readonly #init: StreamDefaultsInit;
  readonly #profiles: ProfileDesk;

  constructor(init: StreamDefaultsInit, profiles: ProfileDesk) {
    this.#init = init;
    this.#profiles = profiles;
  }

  /** @throws ProblemError 400 for a profile that the tenant does not have. */
  async settingsFor(tenant: string, profile: string | undefined): Promise<Omit<StreamSettings, 'graceMs'>> {
    const { dvrWindowMs, passThroughTenants } = this.#init;
    const found = await this.#profiles.find(tenant, profile ?? defaultProfileName);
    if (found !== undefined) {
      const { ladder, audioBitrate, segmentDurationMs } = found;
      return { ladder, audioBitrate, segmentDurationMs, dvrWindowMs };
    }
    if (profile !== undefined) {
      const message = `There is no encoding profile ${profile}.`;
      throw badRequest('unknown-profile', `body.profile: ${message}`, [{ field: 'body.profile', message }]);
    }
    const carriesSource = passThroughTenants.has('*') || passThroughTenants.has(tenant);
    const ladder = carriesSource ? [sourceRung, ...defaultLadder] : defaultLadder;
    return { ladder, audioBitrate: defaultAudioBitrate, segmentDurationMs: defaultSegmentDurationMs, dvrWindowMs };
  }
}
