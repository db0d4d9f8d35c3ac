import { planRenditions, type AudioRendition, type PlannedRendition } from '#core/ffmpeg-plan';
import { sourceInfo } from '../feed/source-info.core.ts';
import type { StartPoint } from '../feed/feed.types.ts';
import type { SourceTrack } from '../feed/track-book.core.ts';
import type { StreamState } from '../fold/stream-fold.core.ts';
import { languageName } from './language-name.ts';
import { carriedAudio, type BesideRendition, type EncodedSound, type RenditionPlan } from './carried.core.ts';

/** As many as are told of an encoding. */
const renditionsMax = 16;
/** Where a picture is encoded, players may be such that decode nothing else. */
const commonCodecs = /^mp4a\.40\./;

/**
 * Adds the publisher's further sounds to a run, other languages for example: each is a rendition of its own beside the first, carried
 * as it is, so that all pictures share them and nothing of them is encoded. Beside encoded pictures that holds for AAC alone: a player
 * that does not decode one sound of the group gives up all variants, so that others are encoded there. Sounds that players know and
 * that this publisher does not have, because it is another one, are the first one under their name. One that it has and that does not
 * come is nothing meanwhile: nobody who chose a language hears another one because that pauses.
 */
export function withSounds(plan: RenditionPlan, state: StreamState, start: StartPoint): RenditionPlan {
  const first = plan.renditions.find((one): one is AudioRendition => one.kind === 'audio');
  if (first === undefined) return plan;
  const room = renditionsMax - plan.renditions.length;
  const beside = soundsBeside(plan, first, state, start).slice(0, room);
  const known = (state.establishedAudio ?? []).map(({ name }) => name);
  const own = [first.name, ...beside.map(({ rendition }) => rendition.name), ...(start.sounds ?? []).map(nameOf)];
  const missing = known.filter((name) => !own.includes(name));
  const standIns = missing.slice(0, room - beside.length).map((name): AudioRendition => ({ ...first, name }));
  const named = labelled([first, ...beside.map(({ rendition }) => rendition), ...standIns], state, start);
  return named.length === 1 && named[0] === first ? plan : assembled(plan, first, named, beside);
}

function nameOf({ track }: Pick<SourceTrack, 'track'>): string {
  return `audio-${track}`;
}

interface FurtherSound extends EncodedSound {
  readonly isEncoded: boolean;
}

function soundsBeside({ encoded }: RenditionPlan, first: AudioRendition, { audioBitrate }: StreamState, { beside = [] }: StartPoint): readonly FurtherSound[] {
  return beside.flatMap(({ track, metadata: { audioKbps } }): FurtherSound[] => {
    if (track.kind !== 'audio') return [];
    const name = nameOf(track);
    const rendition = carriedAudio({ ...first, name }, track.config, audioKbps === undefined ? undefined : Math.round(audioKbps * 1000));
    if (rendition !== undefined && (encoded.length === 0 || commonCodecs.test(rendition.codecs))) return [{ rendition, track, isEncoded: false }];
    const { audio } = sourceInfo({ video: undefined, audio: track.config, metadata: {} });
    const [planned] = encoded.length === 0 ? [] : planRenditions({ source: { audio }, ladder: { rungs: [], audioBitrate }, established: [] });
    return planned?.kind === 'audio' ? [{ rendition: { ...planned, name }, track, isEncoded: true }] : [];
  });
}

/** @param named the first sound, those of further tracks, and those that it stands for, in this order */
function assembled(plan: RenditionPlan, first: AudioRendition, named: readonly AudioRendition[], sounds: readonly FurtherSound[]): RenditionPlan {
  const [base = first, ...others] = named;
  const replaced = <T extends PlannedRendition>(one: T): T => (one === (first as PlannedRendition) ? (base as PlannedRendition as T) : one);
  const tracks = sounds.map((sound, at) => ({ ...sound, rendition: others[at] as AudioRendition }));
  const standIns = others.slice(sounds.length);
  const isCarried = plan.carried.audio !== undefined;
  const encodedSounds = tracks
    .filter(({ isEncoded }) => isEncoded)
    .map(({ rendition, track }, at): EncodedSound => ({ rendition: { ...rendition, input: at + 1 }, track }));
  const made = (one: AudioRendition): AudioRendition => encodedSounds.find(({ rendition }) => rendition.name === one.name)?.rendition ?? one;
  const carried = {
    ...plan.carried,
    ...(isCarried && { audio: base }),
    beside: [
      ...(plan.carried.beside ?? []),
      ...tracks.flatMap(({ rendition, track, isEncoded }): BesideRendition[] => (isEncoded ? [] : [{ rendition, track }])),
      ...(isCarried ? standIns.map((rendition) => ({ rendition, track: undefined })) : []),
    ],
  };
  return {
    renditions: [...plan.renditions.map(replaced), ...others.map(made)],
    encoded: [...plan.encoded.map(replaced), ...encodedSounds.map(({ rendition }) => rendition)],
    carried,
    ...(encodedSounds.length > 0 && { encodedSounds }),
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
