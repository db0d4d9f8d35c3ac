/** One rung of a ladder as it is asked for; the encoder never scales up, so a rung taller than the source is left out. */
export interface Rung {
  /** Names the rendition in URLs. */
  readonly name: string;
  /** Pixels; even, because 4:2:0 chroma halves it. */
  readonly height: number;
  /** Bits per second. */
  readonly videoBitrate: number;
  /**
   * The source itself is the rung, unencoded, where it is no higher and its codec and key frames allow it; where they do not,
   * the rung is encoded in the source's size.
   */
  readonly passThrough?: boolean | undefined;
  /** H.264 where it is not said. */
  readonly codec?: 'h264' | 'hevc' | undefined;
}

/** The source as the best rendition of a stream; its figures hold where it has to be encoded. */
export const sourceRung: Rung = { name: 'source', height: 2160, videoBitrate: 6_000_000, passThrough: true };

/** Bit rates in common use for 30 fps H.264; between Apple's HLS authoring figures and those of the large platforms. */
export const defaultLadder: readonly Rung[] = [
  { name: '720p', height: 720, videoBitrate: 2_800_000 },
  { name: '480p', height: 480, videoBitrate: 1_400_000 },
  { name: '240p', height: 240, videoBitrate: 400_000 },
];

/** Bits per second of the one AAC rendition that all rungs share. */
export const defaultAudioBitrate = 128_000;
export const defaultSegmentDurationMs = 2_000;
export const defaultGraceMs = 60_000;
export const defaultDvrWindowMs = 3_600_000;

export const rungsMax = 12;
export const graceMsMax = 86_400_000;
/** A player needs three target durations behind the live edge, and skips what is older than six: 10 s segments fill this. */
export const dvrWindowMsMin = 60_000;
export const dvrWindowMsMax = 14_400_000;
const rungName = /^[a-z0-9][a-z0-9-]{0,31}$/;
/**
 * Names that mean something else next to the renditions, and would be told apart from a rung by nobody: the sounds, the
 * multivariant playlist and the DASH manifest, the transport streams, the pictures, and channels of captions.
 */
const reservedName = /^(?:audio(?:-\d+)?|master|manifest|ts|thumbnails|cc\d+|service\d+)$/;

/** What one of the publisher's tracks of sound is; goes before what the publisher says of it. */
export interface AudioTrackSetting {
  /** The publisher's number of it; the first has 0. */
  readonly track: number;
  /** BCP 47, such as `de` or `pt-BR`. */
  readonly language?: string | undefined;
  /** What listeners choose it by. */
  readonly label?: string | undefined;
}

/** What can be configured per stream. */
export interface StreamSettings {
  readonly ladder: readonly Rung[];
  readonly audioBitrate: number;
  readonly segmentDurationMs: number;
  readonly graceMs: number;
  /** How far back viewers can go while the stream is live. */
  readonly dvrWindowMs: number;
  /** Parts and blocking reloads; where it is not said they are served. */
  readonly lowLatency?: boolean | undefined;
  /** In no list, and not made into a recording. */
  readonly unlisted?: boolean | undefined;
  readonly audioTracks?: readonly AudioTrackSetting[] | undefined;
}

/** A setting that cannot be used: which one, and why. */
export interface SettingProblem {
  /** Path of the field, such as `ladder.1.height`. */
  readonly field: string;
  readonly message: string;
}

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function rungProblem(rung: Rung, at: number): SettingProblem | undefined {
  const field = `ladder.${at}`;
  if (!rungName.test(rung.name)) return { field: `${field}.name`, message: 'A rendition name has 1 to 32 of a-z, 0-9 and "-".' };
  if (reservedName.test(rung.name))
    return { field: `${field}.name`, message: `The name "${rung.name}" is reserved: the platform has files of that name. Choose another, such as "720p".` };
  if (!within(rung.height, 16, 4320) || rung.height % 2 !== 0)
    return { field: `${field}.height`, message: 'The height is an even number of pixels from 16 to 4320.' };
  if (!within(rung.videoBitrate, 50_000, 100_000_000))
    return { field: `${field}.videoBitrate`, message: 'The bit rate is from 50000 to 100000000 bits per second.' };
  return undefined;
}

function ladderProblem(ladder: readonly Rung[]): SettingProblem | undefined {
  if (ladder.length < 1 || ladder.length > rungsMax) return { field: 'ladder', message: `A ladder has 1 to ${rungsMax} rungs.` };
  const names = new Set<string>();
  for (const [at, rung] of ladder.entries()) {
    const problem = rungProblem(rung, at);
    if (problem !== undefined) return problem;
    if (names.has(rung.name)) return { field: `ladder.${at}.name`, message: `The name "${rung.name}" is used twice.` };
    names.add(rung.name);
  }
  return undefined;
}

export const audioTracksMax = 8;
/** RFC 5646 section 2.1, as far as its shape goes. */
const languageTag = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;
const labelText = /^[^"\p{Cc}]{1,64}$/u;

function soundsProblem(sounds: readonly AudioTrackSetting[]): SettingProblem | undefined {
  if (sounds.length > audioTracksMax) return { field: 'audioTracks', message: `A publisher has at most ${audioTracksMax} tracks of sound.` };
  for (const [at, { track, language, label }] of sounds.entries()) {
    const field = `audioTracks.${at}`;
    if (!within(track, 0, audioTracksMax - 1)) return { field: `${field}.track`, message: `Tracks have the numbers 0 to ${audioTracksMax - 1}.` };
    if (sounds.findIndex((one) => one.track === track) < at) return { field: `${field}.track`, message: `The track ${track} is told of twice.` };
    if (language !== undefined && !languageTag.test(language))
      return { field: `${field}.language`, message: 'A language is written as in BCP 47: "de", "pt-BR".' };
    if (label !== undefined && (label.trim() === '' || !labelText.test(label)))
      return { field: `${field}.label`, message: 'A label is a line of 1 to 64 characters without quotes.' };
  }
  return undefined;
}

/** The first problem of the settings, or undefined when a stream can be made of them. */
export function settingsProblem(settings: StreamSettings): SettingProblem | undefined {
  const problem = ladderProblem(settings.ladder);
  if (problem !== undefined) return problem;
  if (!within(settings.audioBitrate, 16_000, 512_000)) return { field: 'audioBitrate', message: 'The audio bit rate is from 16000 to 512000 bits per second.' };
  // The packager's grid is in whole seconds, so that every usual frame rate has a frame on each grid point.
  if (!within(settings.segmentDurationMs, 1_000, 10_000) || settings.segmentDurationMs % 1_000 !== 0) {
    return { field: 'segmentDurationMs', message: 'The segment duration is 1000 to 10000 ms, in whole seconds.' };
  }
  if (!within(settings.graceMs, 0, graceMsMax)) return { field: 'graceMs', message: `The grace period is 0 to ${graceMsMax} ms.` };
  if (!within(settings.dvrWindowMs, dvrWindowMsMin, dvrWindowMsMax))
    return { field: 'dvrWindowMs', message: `The DVR window is ${dvrWindowMsMin} to ${dvrWindowMsMax} ms.` };
  return soundsProblem(settings.audioTracks ?? []);
}
