import { languageCode } from './language-code.ts';

/** A segment as the read model has it. */
export interface StoredSegment {
  readonly rendition: string;
  readonly mediaSequence: number;
  readonly cid: string;
  readonly sizeBytes: number;
  readonly initCid: string;
  readonly initSizeBytes: number;
  readonly startUs: number;
  readonly durationUs: number;
  /** How a sound is coded, as far as its packager announced it: RFC 6381, Hz. */
  readonly codecs?: string | undefined;
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
}

export interface StoredRendition {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  readonly bandwidth: number;
  /** Of a sound, as players are told. */
  readonly language?: string | undefined;
  readonly label?: string | undefined;
}

/** Segments that continue each other under one initialisation: one file for the demuxer. */
export interface Run {
  readonly initCid: string;
  readonly segments: readonly StoredSegment[];
  readonly startUs: number;
  /** Until the next run begins: what lies between stays as a gap, so that sound and picture stay together. Undefined for the last. */
  readonly spanUs: number | undefined;
  /** What a sound is encoded to, so that all of its track is in one format; undefined where it is copied. */
  readonly encodedAs?: SoundFormat | undefined;
}

/** Of AAC-LC. */
export interface SoundFormat {
  readonly sampleRate: number;
  readonly channels: number;
}

export interface Track {
  readonly rendition: string;
  readonly kind: 'video' | 'audio';
  /** What a sound is in and called. */
  readonly language?: string | undefined;
  readonly label?: string | undefined;
  readonly runs: readonly Run[];
  readonly segments: number;
  readonly sizeBytes: number;
}

export type RecordingPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'too-large'; readonly sizeBytes: number }
  | { readonly kind: 'tracks'; readonly tracks: readonly Track[] };

/** Initialisations that one stream may have had: more than that and something is wrong with its encoders. */
const runsMax = 500;

function trackOf({ name, kind, language, label }: StoredRendition, all: readonly StoredSegment[]): Track | undefined {
  const segments = all.filter(({ rendition }) => rendition === name).toSorted((a, b) => a.mediaSequence - b.mediaSequence);
  if (segments.length === 0) return undefined;
  const groups: StoredSegment[][] = [];
  for (const segment of segments) {
    const last = groups.at(-1);
    if (last !== undefined && last[0]?.initCid === segment.initCid) last.push(segment);
    else groups.push([segment]);
  }
  const runs = groups.slice(0, runsMax).map((group, at): Run => {
    const first = group[0] as StoredSegment;
    const next = groups[at + 1]?.[0];
    return { initCid: first.initCid, segments: group, startUs: first.startUs, spanUs: next === undefined ? undefined : next.startUs - first.startUs };
  });
  const sizeBytes = groups.reduce((sum, group) => sum + (group[0]?.initSizeBytes ?? 0), 0) + segments.reduce((sum, one) => sum + one.sizeBytes, 0);
  return { rendition: name, kind, language, label, runs, segments: segments.length, sizeBytes };
}

/** Sounds in one file. */
const soundsMax = 8;

/**
 * Which renditions a stream is made into one file of: the best video that has almost as many segments as any other (an encoder
 * that was stepped down left the others behind), so that nothing is missing that was recorded, and all sounds: first the one that is
 * the first in the stream, of those that are there nearly all the time, then further ones, from where each begins. What would not fit
 * gives way: first the further sounds, from the last on, then the picture to a smaller one.
 */
export function planRecording(renditions: readonly StoredRendition[], segments: readonly StoredSegment[], bytesMax: number): RecordingPlan {
  const tracks = (kind: 'video' | 'audio'): readonly Track[] =>
    renditions
      .filter((one) => one.kind === kind)
      .toSorted((a, b) => (kind === 'video' ? b.bandwidth - a.bandwidth : firstByName(a, b)))
      .flatMap((one) => trackOf(one, segments) ?? []);
  const videos = nearlyWhole(tracks('video'));
  const all = tracks('audio');
  const [first] = nearlyWhole(all);
  if (videos.length + all.length === 0) return { kind: 'nothing' };
  const sounds = first === undefined ? [] : [first, ...all.filter((one) => one !== first)].slice(0, soundsMax).map(inOneFormat);
  const sizeOf = (some: readonly Track[]): number => some.reduce((sum, track) => sum + track.sizeBytes, 0);
  const withSounds = (picture: readonly Track[]): Track[][] =>
    Array.from({ length: Math.max(1, sounds.length) }, (_, less) => [...picture, ...sounds.slice(0, sounds.length - less)]);
  const candidates = videos.length === 0 ? withSounds([]) : videos.flatMap((video) => withSounds([video]));
  const fitting = candidates.find((some) => sizeOf(some) <= bytesMax);
  if (fitting === undefined) return { kind: 'too-large', sizeBytes: Math.min(...candidates.map(sizeOf)) };
  return { kind: 'tracks', tracks: fitting };
}

/** What everything plays, where the format of most of a sound is not one to encode to. */
const commonFormat: SoundFormat = { sampleRate: 48_000, channels: 2 };
const commonCodecs = 'mp4a.40.2';

/** Of a run; one whose packager did not announce it is taken for another than any other's. */
function formatOf({ initCid, segments: [first] }: Run): string {
  const { codecs, sampleRate, channels } = first ?? {};
  return codecs === undefined || sampleRate === undefined || channels === undefined ? initCid : `${codecs} ${sampleRate} ${channels}`;
}

/**
 * A sound in one format from end to end: players go on with the first one of a track, and play what has another sample rate too fast
 * or too slowly. What is not in the format that most of it has is encoded to that; all of it, where that is not AAC-LC.
 */
function inOneFormat(track: Track): Track {
  const lengths = new Map<string, number>();
  for (const run of track.runs) lengths.set(formatOf(run), (lengths.get(formatOf(run)) ?? 0) + run.segments.length);
  if (lengths.size < 2) return track;
  const [most] = [...lengths].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  const { codecs, sampleRate, channels } = track.runs.find((run) => formatOf(run) === most)?.segments[0] ?? {};
  const isCopied = codecs === commonCodecs && sampleRate !== undefined && channels !== undefined;
  const encodedAs = isCopied ? { sampleRate, channels } : commonFormat;
  return { ...track, runs: track.runs.map((run) => (isCopied && formatOf(run) === most ? run : { ...run, encodedAs })) };
}

function nearlyWhole(tracks: readonly Track[]): readonly Track[] {
  const most = Math.max(0, ...tracks.map((track) => track.segments));
  return tracks.filter((track) => track.segments >= most * 0.95);
}

/** Further sounds are named after their number. */
function firstByName(a: StoredRendition, b: StoredRendition): number {
  return a.name.length - b.name.length || (a.name < b.name ? -1 : 1);
}

/** A list for ffmpeg's concat demuxer (its documentation, section 3.5): files side by side, each as long as until the next. */
export function concatList(runs: readonly Run[], fileOf: (at: number) => string): string {
  const lines = runs.flatMap(({ spanUs }, at) => [`file '${fileOf(at)}'`, ...(spanUs === undefined ? [] : [`duration ${(spanUs / 1e6).toFixed(6)}`])]);
  return `ffconcat version 1.0\n${lines.join('\n')}\n`;
}

const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y'];

/** A track on its way into a file. */
export interface MuxInput extends Pick<Track, 'kind' | 'language' | 'label'> {
  /** Of its list of files. */
  readonly path: string;
  readonly startUs: number;
}

/** Copies tracks side by side into one file that can be played while it is fetched; the same input makes the same bytes. */
export function muxArguments(tracks: readonly MuxInput[], output: string): readonly string[] {
  const inputs = tracks.flatMap(({ path, startUs }) => ['-itsoffset', (startUs / 1e6).toFixed(6), '-f', 'concat', '-safe', '0', '-i', path]);
  const maps = tracks.flatMap((_, at) => ['-map', `${at}:0`]);
  const exact = ['-fflags', '+bitexact', '-flags', '+bitexact', '-map_metadata', '-1'];
  const named = tracks.filter(({ kind }) => kind === 'audio').flatMap(soundArguments);
  return [...quiet, ...inputs, ...maps, '-c', 'copy', ...exact, ...named, '-avoid_negative_ts', 'make_zero', '-movflags', '+faststart', '-f', 'mp4', output];
}

/** What players choose by; one sound is played unless somebody chooses another. */
function soundArguments({ language, label }: MuxInput, at: number): readonly string[] {
  const code = languageCode(language);
  return [
    ...(code === undefined ? [] : [`-metadata:s:a:${at}`, `language=${code}`]),
    ...(label === undefined ? [] : [`-metadata:s:a:${at}`, `handler_name=${label}`]),
    ...[`-disposition:a:${at}`, at === 0 ? 'default' : '0'],
  ];
}

/** An encoder of AAC begins with so many samples that are not of the sound. */
const primingSamples = 1024;
const bitsPerChannel = 80_000;

/** Encodes a run of sound, holes as silence. It gives as many samples away at its beginning as the encoder needs, so that the rest keeps its place. */
export function encodeArguments(input: string, { sampleRate, channels }: SoundFormat, output: string): readonly string[] {
  const filter = `aresample=${sampleRate}:async=1,atrim=start_sample=${primingSamples}`;
  const coding = ['-c:a', 'aac', '-b:a', `${channels * bitsPerChannel}`, '-ar', `${sampleRate}`, '-ac', `${channels}`];
  return [...quiet, '-i', input, '-map', '0:a:0', '-af', filter, ...coding, '-fflags', '+bitexact', '-flags', '+bitexact', '-f', 'mp4', output];
}

/** A little after the beginning: the first frames of a stream are seldom worth looking at. */
export function posterMs(durationMs: number): number {
  return Math.min(3000, durationMs / 2);
}

export function posterArguments(input: string, atMs: number, output: string): readonly string[] {
  const atSeconds = (atMs / 1000).toFixed(3);
  const scale = "scale='min(1280,iw)':-2";
  return [...quiet, '-ss', atSeconds, '-i', input, '-frames:v', '1', '-vf', scale, '-q:v', '4', '-update', '1', '-f', 'image2', output];
}

export interface ProbedFile {
  readonly durationMs: number;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  readonly width: number;
  readonly height: number;
}

interface ProbeAnswer {
  readonly format?: { readonly duration?: string };
  readonly streams?: ReadonlyArray<{ readonly codec_type?: string; readonly codec_name?: string; readonly width?: number; readonly height?: number }>;
}

export function probeArguments(path: string): readonly string[] {
  return ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', path];
}

/** @throws RangeError when the answer is not one of ffprobe about a file that plays. */
export function readProbe(text: string): ProbedFile {
  const { format, streams = [] } = JSON.parse(text) as ProbeAnswer;
  const seconds = Number(format?.duration);
  if (!(seconds > 0) || streams.length === 0) throw new RangeError('The file that was made does not play.');
  const of = (kind: string) => streams.find(({ codec_type: type }) => type === kind);
  const [video, audio] = [of('video'), of('audio')];
  return {
    durationMs: Math.round(seconds * 1000),
    videoCodec: video?.codec_name ?? null,
    audioCodec: audio?.codec_name ?? null,
    width: video?.width ?? 0,
    height: video?.height ?? 0,
  };
}
