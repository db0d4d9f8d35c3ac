import { dateTime } from '#kernel';
import type { Beginning, DashRendition, DashSegment, DashTrack } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';
import type { Addressing } from './timeline.core.ts';
import { attributeText, element, type Xml } from './xml.core.ts';

const mimeTypes = { video: 'video/mp4', audio: 'audio/mp4' } as const;

/** A rendition in a period. */
export interface Shown {
  readonly rendition: DashRendition;
  /** At least one. */
  readonly segments: readonly DashSegment[];
  readonly addressing: Addressing;
}

/** What adaptation sets say beside what is in them. */
export interface SetForm {
  readonly span: PeriodSpan;
  /** So long before it is whole a segment can be had, microseconds; undefined where it cannot. */
  readonly earlyUs: number | undefined;
  /** Whose wall clock players may refer to. */
  readonly referTo: Beginning | undefined;
  readonly timing: readonly Xml[];
}

/** Which ProducerReferenceTime the targeted latency refers to. */
export const referenceId = 0;

/** 5.3.3: renditions that a player may switch between: pictures of one codec. Each sound is a choice of its own, the first one the main. */
export function adaptationSets(shown: readonly Shown[], form: SetForm): Xml[] {
  const groups = new Map<string, Shown[]>();
  for (const one of shown) {
    const { kind, name } = one.rendition;
    const key = `${kind} ${trackOf(one).codecs.split('.')[0]} ${kind === 'audio' ? name : ''}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()]
    .toSorted((a, b) => inOrder((a[0] as Shown).rendition, (b[0] as Shown).rendition))
    .map((group, at, all) => adaptationSet(group, at + 1, { ...form, role: roleOf(group, all) }));
}

const kinds = { video: 1, audio: 2 } as const;

/** Pictures, then sounds: further ones are named after their number. */
export function inOrder(a: DashRendition, b: DashRendition): number {
  if (a.kind !== b.kind || a.kind === 'video') return kinds[a.kind] - kinds[b.kind];
  return a.name.length - b.name.length || (a.name < b.name ? -1 : 1);
}

/** 5.8.5.5: of several sounds the first is what plays unless somebody chooses. In another language one is a dub of it. */
function roleOf([shown]: readonly Shown[], all: ReadonlyArray<readonly Shown[]>): 'main' | 'alternate' | 'dub' {
  const sounds = all.flatMap(([one]) => (one?.rendition.kind === 'audio' ? [one.rendition] : []));
  const [main] = sounds;
  const { kind, language } = (shown as Shown).rendition;
  if (kind === 'video' || main === undefined || main.name === shown?.rendition.name) return 'main';
  return language !== undefined && main.language !== undefined && language !== main.language ? 'dub' : 'alternate';
}

function adaptationSet(group: readonly Shown[], id: number, form: SetForm & { readonly role: string }): Xml {
  const [first] = group as readonly [Shown, ...Shown[]];
  const { kind, language, label } = first.rendition;
  // Renditions are cut alike: then their times are told once.
  const shared = group.every(({ addressing: { timescale, startNumber, endNumber, duration: ticks, xml } }) => {
    const one = first.addressing;
    return timescale === one.timescale && startNumber === one.startNumber && endNumber === one.endNumber && ticks === one.duration && xml === one.xml;
  });
  const attributes = { id, contentType: kind, lang: language, mimeType: mimeTypes[kind], segmentAlignment: true, startWithSAP: 1 };
  return element('AdaptationSet', attributes, [
    ...(label === undefined ? [] : [element('Label', {}, [attributeText(label)])]),
    ...producerReferenceTime(first.addressing, form),
    element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value: form.role }),
    ...(shared ? [segmentTemplate(first.addressing, form, {})] : []),
    ...group.toSorted((a, b) => b.rendition.bandwidth - a.rendition.bandwidth).map((one) => representation(one, form, shared)),
  ]);
}

/** 5.12.2: what the encoder's clock said at the first sample of its run. */
function producerReferenceTime({ timescale }: Addressing, { referTo, timing }: SetForm): Xml[] {
  if (referTo === undefined) return [];
  const presentationTime = ticksOf(referTo.startUs, timescale);
  const wallClockTime = dateTime(referTo.programDateTimeMs);
  return [element('ProducerReferenceTime', { id: referenceId, type: 'encoder', wallClockTime, presentationTime }, timing)];
}

function ticksOf(placeUs: number, timescale: number): number {
  return Math.round((placeUs * timescale) / 1_000_000);
}

/** 5.3.9.4. An attribute that a representation does not give comes from its adaptation set. */
function segmentTemplate(addressing: Addressing, { span, earlyUs }: SetForm, more: { readonly initialization?: string }): Xml {
  const { timescale, duration: ticks, startNumber, endNumber, xml } = addressing;
  const isListed = ticks === undefined;
  // What is listed is whole. It says the same of its time, for players take the least of all for the manifest's (Shaka Player 5.2).
  const early =
    earlyUs === undefined ? {} : { availabilityTimeOffset: Number((earlyUs / 1_000_000).toFixed(6)), ...(isListed ? {} : { availabilityTimeComplete: false }) };
  const attributes = { timescale, duration: ticks, presentationTimeOffset: ticksOf(span.mediaStartUs, timescale), startNumber, endNumber, ...early };
  // Where players count, they ask for numbers that may turn out to be another period's: what they mean is part of the name.
  const media = ticks === undefined ? '$RepresentationID$/$Number$.m4s' : `$RepresentationID$/p${span.first}-$Number$.m4s`;
  return element('SegmentTemplate', { ...attributes, media, ...more }, xml === '' ? [] : [xml]);
}

function representation(shown: Shown, form: SetForm, shared: boolean): Xml {
  const { rendition, segments, addressing } = shown;
  const { codecs, width, height, sampleRate, channels } = trackOf(shown);
  const { name: id, bandwidth, kind } = rendition;
  const about = kind === 'video' ? { width, height, frameRate: frameRateText(rendition.frameRate) } : { audioSamplingRate: sampleRate };
  const sound = kind === 'video' || channels === undefined ? [] : [channelConfiguration(channels)];
  const initialization = `../../media/${(segments[0] as DashSegment).initCid}.mp4`;
  const template = shared ? element('SegmentTemplate', { initialization }) : segmentTemplate(addressing, form, { initialization });
  return element('Representation', { id, codecs, bandwidth, ...about }, [...sound, template]);
}

/** 5.8.5.4: ISO/IEC 23003-3 (now 23091-3) numbers channel layouts; for mono and stereo the number is that of the channels. */
function channelConfiguration(channels: number): Xml {
  return element('AudioChannelConfiguration', { schemeIdUri: 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011', value: channels });
}

/** As the segments of the period were coded; what their packager did not tell, as the newest encoder says. */
function trackOf({ rendition, segments }: Pick<Shown, 'rendition' | 'segments'>): Pick<DashTrack, 'codecs' | 'width' | 'height' | 'sampleRate' | 'channels'> {
  return segments[0]?.track ?? { ...rendition, sampleRate: undefined };
}

/** 5.3.7.2: a whole number or a fraction of two. */
function frameRateText(framesPerSecond: number | undefined): string | undefined {
  if (framesPerSecond === undefined) return undefined;
  if (Number.isInteger(framesPerSecond)) return `${framesPerSecond}`;
  const film = framesPerSecond * 1.001;
  if (Math.abs(film - Math.round(film)) < 0.0005) return `${Math.round(film) * 1000}/1001`;
  return `${Math.round(framesPerSecond * 1000)}/1000`;
}
