import { encodingProfileConfigured, encodingProfileRemoved, type DraftOf, type EncodingProfileEventDefinition } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { defaultDvrWindowMs, defaultGraceMs, settingsProblem, type Rung } from './ladder.core.ts';

/** How the streams of a tenant are encoded that are made with it. */
export interface EncodingProfile {
  readonly profileId: string;
  readonly name: string;
  readonly description: string;
  readonly ladder: readonly Rung[];
  /** Bits per second. */
  readonly audioBitrate: number;
  readonly segmentDurationMs: number;
}

export type EncodingProfileCommand =
  | (EncodingProfile & { readonly type: 'ConfigureEncodingProfile'; readonly reason: string })
  | { readonly type: 'RemoveEncodingProfile'; readonly reason: string };

export type EncodingProfileDraft = DraftOf<EncodingProfileEventDefinition>;

export interface KnownEncodingProfile extends EncodingProfile {
  /** Tells it from the other aggregates of this context. */
  readonly kind: 'encoding-profile';
  readonly profile: 'configured' | 'removed';
}

export type EncodingProfileState = { readonly profile: 'absent' } | KnownEncodingProfile;

/** The profile of streams that ask for none. */
export const defaultProfileName = 'default';

const settingsOf = ({ name, description, ladder, audioBitrate, segmentDurationMs }: EncodingProfile): string =>
  JSON.stringify([
    name,
    description,
    ladder.map((rung) => [rung.name, rung.height, rung.videoBitrate, rung.passThrough === true, rung.codec ?? 'h264']),
    audioBitrate,
    segmentDurationMs,
  ]);

function decide(command: EncodingProfileCommand, state: EncodingProfileState): Decision<EncodingProfileDraft> {
  if (command.type === 'ConfigureEncodingProfile') {
    const { type: _, ladder, ...settings } = command;
    const problem = settingsProblem({ ...settings, ladder, graceMs: defaultGraceMs, dvrWindowMs: defaultDvrWindowMs });
    if (problem !== undefined) return refuse('invalid-settings', `${problem.field}: ${problem.message}`);
    if (state.profile === 'configured' && settingsOf(state) === settingsOf(command)) return accept<EncodingProfileDraft>();
    return accept<EncodingProfileDraft>(encodingProfileConfigured.draft({ ...settings, ladder: [...ladder] }));
  }
  if (state.profile !== 'configured') return refuse('unknown-profile', 'There is no such encoding profile.');
  return accept<EncodingProfileDraft>(encodingProfileRemoved.draft({ profileId: state.profileId, reason: command.reason }));
}

function evolve(state: EncodingProfileState, event: EncodingProfileDraft): EncodingProfileState {
  if (event.type === encodingProfileConfigured.type) {
    const { reason: _, ...settings } = event.data;
    return { ...settings, kind: 'encoding-profile', profile: 'configured' };
  }
  return { ...(state as KnownEncodingProfile), profile: 'removed' };
}

export const encodingProfileDecider: Decider<EncodingProfileState, EncodingProfileCommand, EncodingProfileDraft> = {
  initialState: { profile: 'absent' },
  decide,
  evolve,
};

export const encodingProfileAggregate = { context: 'stream', decider: encodingProfileDecider } as const;
