import { valueOf } from './frame-rate.core.ts';
import type { AudioRendition, PlannedRendition, SourceInfo, VideoRendition } from './plan.ts';
import { defaultVaapiDevice, deviceArguments, uploadFilters, videoEncoderArguments, type EncoderKind, type Preset } from './video-encoder.core.ts';

export interface EncoderInput {
  readonly source: SourceInfo;
  readonly renditions: readonly PlannedRendition[];
  readonly preset: Preset;
  /** Who encodes which rung, by its name; the processor where nothing is said. */
  readonly encoders?: Readonly<Record<string, EncoderKind>>;
  /** Graphics processor of VA-API; {@link defaultVaapiDevice} by default. */
  readonly vaapiDevice?: string;
  readonly segmentDurationUs: number;
  /** Times below are those of the media on standard input, microseconds. What comes before them is decoded and dropped. */
  readonly videoStartUs: number;
  readonly audioStartUs: number;
  /** The same of sounds that begin elsewhere than the first, by name. */
  readonly soundStartUs?: Readonly<Record<string, number>> | undefined;
  /** How long after a multiple of the segment duration the first frame stands on the stream's timeline, microseconds. */
  readonly gridPhaseUs: number;
}

export interface EncoderOutput {
  readonly rendition: string;
  /** File descriptor that the encoder writes the rendition's fragmented MP4 to. */
  readonly fd: number;
  /** Ticks of the output before the asked start; see `SegmenterRendition`. */
  readonly primingTicks: number;
}

export interface EncoderPlan {
  /** Without the program's name. Standard input takes what `inputContainer` says, standard output gives `-progress` lines. */
  readonly argv: readonly string[];
  readonly outputs: readonly EncoderOutput[];
}

/** What FLV carries in every ffmpeg; newer codecs in it are read from version 6.1 on only (measured with 5.1: not at all). */
const flvCodecs: ReadonlySet<string | undefined> = new Set([undefined, 'h264', 'aac']);

/**
 * The container that the encoder reads a source in.
 * @param sounds how many; FLV has one
 */
export function inputContainer({ video, audio }: SourceInfo, sounds = 1): 'flv' | 'matroska' {
  return sounds < 2 && flvCodecs.has(video?.codec) && flvCodecs.has(audio?.codec) ? 'flv' : 'matroska';
}

/** Standard input, output and error come before. */
const firstOutputFd = 3;
/** The AAC encoder puts one frame of silence before the first sample, and the muxer moves the track to start at zero. */
const aacPrimingTicks = 1024;
/** The length of an LL-HLS part (`partDurationUs` of #core/fmp4), and how far below a whole number of frames its fragments are asked for. */
const partUs = 500_000;
const shortOfUs = 1000;

/**
 * The argv of ONE ffmpeg that decodes once and encodes every rendition. Output timestamps start at zero, whatever the
 * input's are: frames are put on a constant rate from `videoStartUs` on and counted, samples likewise, so the timeline
 * is the caller's to assign. Key frames fall on the grid of the stream's timeline, also after a restart in its middle.
 */
export function encoderArguments(input: EncoderInput): EncoderPlan {
  const videos = input.renditions.filter((one) => one.kind === 'video');
  const audios = input.renditions.filter((one) => one.kind === 'audio');
  const kinds = new Set(videos.map(({ name }) => encoderOf(input, name)));
  const devices = deviceArguments(kinds, input.vaapiDevice ?? defaultVaapiDevice);
  const graphs = filterGraphs(input, videos, audios).flatMap((graph) => ['-filter_complex', graph]);
  const sounds = 1 + Math.max(0, ...audios.map(({ input: from = 0 }) => from));
  const argv = [...globalArguments, ...devices, ...inputArguments(input.source, sounds), ...graphs];
  const outputs: EncoderOutput[] = [];
  for (const rendition of [...videos, ...audios]) {
    const fd = firstOutputFd + outputs.length;
    argv.push(...(rendition.kind === 'video' ? videoArguments(rendition, input, fd) : audioArguments(rendition, fd, audios.indexOf(rendition))));
    outputs.push({ rendition: rendition.name, fd, primingTicks: rendition.kind === 'video' ? 0 : aacPrimingTicks });
  }
  return { argv, outputs };
}

/** Standard input carries media, not commands; warnings go to the log, progress to a pipe of its own. */
const globalArguments = ['-hide_banner', '-nostdin', '-loglevel', 'level+warning', '-nostats', '-progress', 'pipe:1', '-stats_period', '1'];

/**
 * `copyts`: the input's timestamps reach the filters as they are. A short analysis: the sequence headers stand at the
 * front, so the streams are known at once. No `nobuffer`: it throws away the frames that were analysed (measured with
 * ffmpeg 5.1). Two decoding threads: each adds a frame of delay.
 */
const inputArguments = (source: SourceInfo, sounds: number): readonly string[] => [
  ...['-fflags', '+bitexact', '-probesize', '500000', '-analyzeduration', '200000', '-fpsprobesize', '0'],
  ...['-max_error_rate', '1', '-threads', '2', '-copyts', '-protocol_whitelist', 'pipe', '-f', inputContainer(source, sounds), '-i', 'pipe:0'],
];

/** Further sounds have graphs of their own: nothing of a graph goes on while one of its inputs does not come. */
function filterGraphs(input: EncoderInput, videos: readonly VideoRendition[], audios: readonly AudioRendition[]): readonly string[] {
  const sounds = audios.map((audio, index) => ({ isFirst: (audio.input ?? 0) === 0, filter: audioFilter(input, audio, index) }));
  const first = [...videoFilters(input, videos), ...sounds.flatMap(({ isFirst, filter }) => (isFirst ? [filter] : []))];
  return [...(first.length > 0 ? [first.join(';')] : []), ...sounds.flatMap(({ isFirst, filter }) => (isFirst ? [] : [filter]))];
}

function encoderOf({ encoders }: EncoderInput, rendition: string): EncoderKind {
  return encoders?.[rendition] ?? 'software';
}

function videoFilters(input: EncoderInput, videos: readonly VideoRendition[]): readonly string[] {
  const { source, videoStartUs } = input;
  const first = videos[0];
  if (first === undefined || source.video === undefined) return [];
  const { numerator, denominator } = first.frameRate;
  const rate = denominator === 1 ? `${numerator}` : `${numerator}/${denominator}`;
  const deinterlace = source.video.interlaced ? 'yadif=deint=interlaced,' : '';
  const split = videos.length === 1 ? '[s0]' : `,split=${videos.length}${videos.map((_, index) => `[s${index}]`).join('')}`;
  // `fps` repeats or drops frames to a constant rate that begins exactly at the start; `setpts` then counts them.
  const head = `[0:v:0]${deinterlace}fps=fps=${rate}:start_time=${seconds(videoStartUs)}:round=near,setpts=N${split}`;
  const scaled = videos.map(
    ({ name, width, height }, index) => `[s${index}]scale=${width}:${height}:flags=bicubic,${uploadFilters(encoderOf(input, name))}[v${index}]`,
  );
  return [head, ...scaled];
}

/**
 * The sample count is the clock, disciplined by the source's timestamps: where it is 20 ms off, which a lost frame of AAC makes it
 * at once and drift in time, silence is put in, or samples are left out. Not stretched (`async` above 1): beside `first_pts`, ffmpeg
 * 5.1 then begins its times anew at 0, and fills in silence as long as the run is old. `atrim` cuts the start to the sample and `first_pts` fills it up. The rate is converted
 * first, because `first_pts` counts samples of its input's rate (measured with ffmpeg 5.1: off by the ratio otherwise).
 */
function audioFilter({ audioStartUs, soundStartUs }: EncoderInput, { name, sampleRate, input = 0 }: AudioRendition, index: number): string {
  const startUs = soundStartUs?.[name] ?? audioStartUs;
  const firstSample = Math.round((startUs * sampleRate) / 1_000_000);
  const start = `aresample=${sampleRate},atrim=start=${seconds(startUs)}`;
  const clock = `aresample=${sampleRate}:async=1:min_hard_comp=0.02:first_pts=${firstSample},asetpts=N/SR/TB`;
  return `[0:a:${input}]${start},${clock},aformat=sample_fmts=fltp:channel_layouts=stereo[a${index}]`;
}

function videoArguments(rendition: VideoRendition, input: EncoderInput, fd: number): readonly string[] {
  const { preset, segmentDurationUs, gridPhaseUs } = input;
  return [
    ...['-map', `[v${fd - firstOutputFd}]`, ...videoEncoderArguments(encoderOf(input, rendition.name), { rendition, preset, segmentDurationUs })],
    ...['-force_key_frames', `expr:gte(t+0.0005,n_forced*${seconds(segmentDurationUs)}-${seconds(gridPhaseUs)})`],
    ...['-flags:v', '+cgop+bitexact', '-video_track_timescale', '90000'],
    ...muxerArguments('+frag_keyframe', fragmentUs(valueOf(rendition.frameRate)), fd),
  ];
}

/**
 * A fragment is closed by the first frame at or after its length: as many frames as fit into a part of LL-HLS, so that no part
 * waits for another fragment.
 */
function fragmentUs(frameRate: number): number {
  const frames = Math.max(1, Math.floor((partUs * frameRate) / 1_000_000 + 1e-6));
  return Math.round((frames * 1_000_000) / frameRate) - shortOfUs;
}

/** Fragments of a tenth of a second: audio must not be the last to reach a cut. */
function audioArguments({ bitrate, sampleRate, channels }: AudioRendition, fd: number, index: number): readonly string[] {
  const encoder = ['-c:a', 'aac', '-b:a', `${bitrate}`, '-ar', `${sampleRate}`, '-ac', `${channels}`, '-flags:a', '+bitexact'];
  return ['-map', `[a${index}]`, ...encoder, ...muxerArguments('', 100_000, fd)];
}

/** ISO BMFF without anything that depends on the run (dates, versions): the same settings give the same initialisation. */
function muxerArguments(flags: string, fragmentUs: number, fd: number): readonly string[] {
  return [
    ...['-map_metadata', '-1', '-fflags', '+bitexact', '-flush_packets', '1', '-movflags', `${flags}+empty_moov+default_base_moof+cmaf`],
    ...['-frag_duration', `${fragmentUs}`, '-f', 'mp4', `pipe:${fd}`],
  ];
}

function seconds(microseconds: number): string {
  return (microseconds / 1_000_000).toFixed(6);
}
