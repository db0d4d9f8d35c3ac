import {
  defaultAudioBitrate,
  defaultGraceMs,
  defaultLadder,
  defaultProfileName,
  defaultSegmentDurationMs,
  settingsProblem,
  sourceRung,
  type StreamSettings,
} from '#domain/stream';
import { badRequest, conflict } from '../http/problem.errors.ts';
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

  /** @throws ProblemError 400 for a profile that the tenant does not have, 409 for one that was kept when its settings were still allowed. */
  async settingsFor(tenant: string, profile: string | undefined): Promise<Omit<StreamSettings, 'graceMs'>> {
    const { dvrWindowMs, passThroughTenants } = this.#init;
    const found = await this.#profiles.find(tenant, profile ?? defaultProfileName);
    if (found !== undefined) {
      const { ladder, audioBitrate, segmentDurationMs } = found;
      const settings = { ladder, audioBitrate, segmentDurationMs, dvrWindowMs };
      const problem = settingsProblem({ ...settings, graceMs: defaultGraceMs });
      if (problem === undefined) return settings;
      // It was kept when that was still allowed, and the caller did not write it: the answer names what has to be changed.
      throw conflict('unusable-profile', `The encoding profile ${found.name} cannot be used any more: ${problem.field}: ${problem.message} Configure it anew.`);
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
