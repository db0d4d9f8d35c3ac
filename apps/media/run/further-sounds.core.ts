import type { AudioRendition, PlannedRendition } from '#core/ffmpeg-plan';
import type { StartPoint } from '../feed/session-feed.core.ts';
import type { SourceTrack } from '../feed/track-book.core.ts';
import type { StreamState } from '../fold/stream-fold.core.ts';
import { languageName } from './language-name.ts';
import { carriedAudio, type BesideRendition, type RenditionPlan } from './carried.core.ts';

/** As many as are told of an encoding. */
const renditionsMax = 16;
/** Where a picture is encoded, players may be such that decode nothing else. */
const commonCodecs = /^mp4a\.40\./;

/** A run with all sounds of its source. */
export interface PlanWithSounds extends RenditionPlan {
  /** Tracks of sound that are left out, because few of those who watch what is encoded would hear them. */
  readonly unheard?: readonly SourceTrack[];
}

/**
 * Adds the publisher's further sounds to a run, other languages for example: each is a rendition of its own beside the first, carried
 * as it is, so that all pictures share them and nothing of them is encoded. Sounds that players know and that this publisher does not
 * have, because it is another one, are the first one under their name. One that it has and that does not come is nothing meanwhile:
 * nobody who chose a language hears another one because that pauses.
 */
export function withSounds(plan: RenditionPlan, state: StreamState, start: StartPoint): PlanWithSounds {
  const first = plan.renditions.find((one): one is AudioRendition => one.kind === 'audio');
  if (first === undefined) return plan;
  const mayBeAny = plan.encoded.length === 0;
  const further = soundsBeside(first, start);
  const heard = further.filter(({ rendition }) => mayBeAny || commonCodecs.test(rendition.codecs));
  const room = renditionsMax - plan.renditions.length;
  const beside: BesideRendition[] = heard.slice(0, room);
  const known = (state.establishedAudio ?? []).map(({ name }) => name);
  const own = [first.name, ...beside.map(({ rendition }) => rendition.name), ...(start.sounds ?? []).map(nameOf)];
  const missing = known.filter((name) => !own.includes(name));
  const standIns = missing.slice(0, room - beside.length).map((name): AudioRendition => ({ ...first, name }));
  const named = labelled([first, ...beside.map(({ rendition }) => rendition as AudioRendition), ...standIns], state, start);
  if (named.length === 1 && named[0] === first) return { ...plan, unheard: further.map(({ track }) => track) };
  return { ...assembled(plan, first, named, beside), unheard: further.filter((one) => !heard.includes(one)).map(({ track }) => track) };
}

function nameOf({ track }: Pick<SourceTrack, 'track'>): string {
  return `audio-${track}`;
}

function soundsBeside(first: AudioRendition, { beside = [] }: StartPoint): Array<{ readonly rendition: AudioRendition; readonly track: SourceTrack }> {
  return beside.flatMap(({ track, metadata: { audioKbps } }) => {
    if (track.kind !== 'audio') return [];
    const named = { ...first, name: nameOf(track) };
    const rendition = carriedAudio(named, track.config, audioKbps === undefined ? undefined : Math.round(audioKbps * 1000));
    return rendition === undefined ? [] : [{ rendition, track }];
  });
}

/** @param named the first sound, those of further tracks, and those that it stands for, in this order */
function assembled(plan: RenditionPlan, first: AudioRendition, named: readonly AudioRendition[], beside: readonly BesideRendition[]): RenditionPlan {
  const [base = first, ...others] = named;
  const replaced = <T extends PlannedRendition>(one: T): T => (one === (first as PlannedRendition) ? (base as PlannedRendition as T) : one);
  const tracks = others.slice(0, beside.length).map((rendition, at): BesideRendition => ({ rendition, track: beside[at]?.track }));
  const standIns = others.slice(beside.length);
  const isCarried = plan.carried.audio !== undefined;
  const carried = {
    ...plan.carried,
    ...(isCarried && { audio: base }),
    beside: [...(plan.carried.beside ?? []), ...tracks, ...(isCarried ? standIns.map((rendition) => ({ rendition, track: undefined })) : [])],
  };
  return {
    renditions: [...plan.renditions.map(replaced), ...others],
    encoded: plan.encoded.map(replaced),
    carried,
    ...(isCarried || standIns.length === 0 ? {} : { echoes: standIns.map((rendition) => ({ rendition, of: base.name })) }),
  };
}

/** What each is in and called: what was set goes before what the publisher says; each has another name (RFC 8216bis section 4.4.6.1.1). */
function labelled(
  sounds: readonly AudioRendition[],
  { audioTracks = [], establishedAudio = [] }: StreamState,
  { beside = [], sound }: StartPoint,
): readonly AudioRendition[] {
  const taken = new Set<string>();
  return sounds.map((one) => {
    const number = Number(/^audio-(\d+)$/.exec(one.name)?.[1] ?? 0);
    const set = audioTracks.find(({ track }) => track === number);
    const said = number === 0 ? sound : beside.find(({ track }) => track.kind === 'audio' && track.track === number)?.metadata;
    const before = establishedAudio.find(({ name }) => name === one.name);
    const language = set?.language ?? said?.language ?? before?.language;
    const wished = set?.label ?? said?.name ?? before?.label ?? languageName(language);
    if (wished === undefined && language === undefined && sounds.length === 1) return one;
    const plain = wished ?? (number === 0 ? 'Main' : `Track ${number + 1}`);
    const label = taken.has(plain) ? `${plain} (${number + 1})` : plain;
    taken.add(label);
    return { ...one, ...(language !== undefined && { language }), label };
  });
}
