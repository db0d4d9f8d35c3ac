import { formatAge, formatBitrate, formatBytes, formatSpan } from './format.ts';
import type { FeedEvent } from './types.ts';

/** What was measured of a stream last, as the API tells it. */
export interface Measured {
  readonly at: string;
  readonly node: string;
  readonly isNow: boolean;
  readonly input: {
    readonly videoBitrate: number;
    readonly audioBitrate: number;
    readonly frameRate: number;
    readonly keyFrameIntervalMs: number | null;
    readonly keyFrameIntervalFrames: number | null;
    readonly reordersFrames: boolean;
    readonly soundAheadMs: number | null;
  };
  readonly behindMs: number;
  readonly encoderSpeed: number | null;
  readonly picture: { readonly brightness: number; readonly change: number | null } | null;
  readonly sound: { readonly levelDb: number; readonly peakDb: number } | null;
}

export interface AlertView {
  readonly alert: string;
  readonly state: 'open' | 'over';
  readonly detail: string | null;
  readonly since: string | null;
  readonly lastedMs: number | null;
  readonly at: string;
}

export interface StreamHealth {
  readonly measured: Measured | null;
  readonly alerts: readonly AlertView[];
  readonly viewers: number;
  readonly viewersByEdge: Readonly<Record<string, number>>;
}

export interface Clip {
  readonly id: string;
  readonly name: string;
  readonly status: 'requested' | 'finished' | 'failed';
  readonly reason: string | null;
  readonly shows: { readonly from: string; readonly until: string } | null;
  readonly durationMs: number | null;
  readonly bytes: number | null;
  readonly mp4Url: string | null;
  readonly posterUrl: string | null;
}

/** One figure for the eye: what it is, how much, and whether that is as it should be. */
export interface Figure {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly tone: 'good' | 'warn' | 'bad';
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What an operator looks for first, in that order. */
export function figuresOf({ input, behindMs, encoderSpeed }: Measured, segmentSeconds: number): readonly Figure[] {
  const { videoBitrate, audioBitrate, frameRate, keyFrameIntervalMs, keyFrameIntervalFrames, reordersFrames, soundAheadMs } = input;
  const longGop = keyFrameIntervalMs !== null && keyFrameIntervalMs > Math.max(4500, segmentSeconds * 2200);
  const behindMax = segmentSeconds * 2000 + 2000;
  return [
    {
      id: 'input',
      name: 'Input',
      value: formatBitrate(videoBitrate + audioBitrate),
      note: `picture ${formatBitrate(videoBitrate)}, sound ${formatBitrate(audioBitrate)}`,
      tone: videoBitrate + audioBitrate === 0 ? 'bad' : 'good',
    },
    {
      id: 'frame-rate',
      name: 'Frames',
      value: `${frameRate.toFixed(frameRate < 100 ? 1 : 0)} /s`,
      note: reordersFrames ? 'with B-frames' : 'no B-frames',
      tone: reordersFrames ? 'warn' : 'good',
    },
    {
      id: 'key-frames',
      name: 'Key frame every',
      value: keyFrameIntervalMs === null ? '–' : seconds(keyFrameIntervalMs),
      note: keyFrameIntervalFrames === null ? '' : `GOP of ${keyFrameIntervalFrames} frames`,
      tone: longGop ? 'warn' : 'good',
    },
    {
      id: 'drift',
      name: 'Sound to picture',
      value: soundAheadMs === null ? '–' : `${soundAheadMs > 0 ? '+' : ''}${soundAheadMs} ms`,
      note:
        soundAheadMs === null
          ? 'one of them is missing'
          : Math.abs(soundAheadMs) < 200
            ? 'together'
            : soundAheadMs > 0
              ? 'sound comes first'
              : 'sound comes late',
      tone: soundAheadMs !== null && Math.abs(soundAheadMs) >= 500 ? 'warn' : 'good',
    },
    {
      id: 'encoder',
      name: 'Encoder',
      value: encoderSpeed === null ? '–' : `${encoderSpeed.toFixed(2)} ×`,
      note: encoderSpeed === null ? 'none runs' : 'of real time',
      tone: encoderSpeed !== null && encoderSpeed < 0.9 ? 'bad' : 'good',
    },
    {
      id: 'behind',
      name: 'Queue',
      value: seconds(behindMs),
      note: 'from arrival to storage',
      tone: behindMs > behindMax * 2 ? 'bad' : behindMs > behindMax ? 'warn' : 'good',
    },
  ];
}

/** Where a level stands on a meter from −60 dB to full scale, 0 to 1. */
export function meterShare(db: number): number {
  return Math.min(1, Math.max(0, (db + 60) / 60));
}

const alertNames: Readonly<Record<string, string>> = {
  'long-gop': 'Key frames are far apart',
  'reordered-frames': 'B-frames',
  'bitrate-collapse': 'Bitrate has collapsed',
  silence: 'Silence',
  black: 'Black picture',
  frozen: 'Frozen picture',
  behind: 'Falling behind',
};

export function alertName(alert: string): string {
  return alertNames[alert] ?? alert;
}

/** Every decision about a stream; segments and measurements are too many to be read. */
export const decisionTypes = [
  ...['stream.created', 'stream.started', 'stream.interrupted', 'stream.stopped', 'stream.publish-rejected', 'stream.key-issued', 'stream.key-used'],
  ...[
    'encoding.started',
    'encoding.ended',
    'encoding.delayed',
    'encoding.adapted',
    'failover.switched',
    'stream.alert-raised',
    'stream.alert-cleared',
    'stream.marked',
    'stream.cue-refused',
  ],
  ...['recording.finished', 'recording.failed', 'clip.requested', 'clip.finished', 'clip.failed'],
] as const;

export interface Decision {
  readonly title: string;
  readonly reason: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'plain';
}

type Sentences = Readonly<Record<string, (data: Readonly<Record<string, unknown>>) => Decision>>;

const plain = (title: string, reason = ''): Decision => ({ title, reason, tone: 'plain' });
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
const told = (...parts: readonly unknown[]): string =>
  parts
    .map(text)
    .filter((part) => part !== '')
    .join(': ');

function rungsOf(data: Readonly<Record<string, unknown>>): string {
  const renditions = (data['renditions'] ?? []) as ReadonlyArray<{ readonly name: string }>;
  return `${text(data['encoder'])} makes ${renditions.map(({ name }) => name).join(', ')}`;
}

const sentences: Sentences = {
  'stream.created': (data) => plain('Created', text(data['name'])),
  'stream.started': (data) => ({ title: 'Live', reason: `${text(data['endpoint'])} publisher at ${text(data['node'])}`, tone: 'good' }),
  'stream.interrupted': (data) => ({ title: 'Interrupted', reason: told(data['reason'], data['detail']), tone: 'warn' }),
  'stream.stopped': (data) => plain('Stopped', told(data['reason'], data['detail'])),
  'stream.publish-rejected': (data) => ({ title: 'Publisher refused', reason: told(data['reason'], data['detail']), tone: 'bad' }),
  'stream.key-issued': () => plain('Key issued'),
  'stream.key-used': () => plain('Key used up'),
  'encoding.started': (data) => plain('Encoder started', rungsOf(data)),
  'encoding.ended': (data) => ({
    title: 'Encoder ended',
    reason: told(data['reason'], ((data['lastLines'] ?? []) as readonly string[]).at(-1)),
    tone: ['source-ended', 'stopped', 'shutdown'].includes(text(data['reason'])) ? 'plain' : 'bad',
  }),
  'encoding.delayed': (data) => ({ title: 'Storing was held up', reason: `${text(data['reason'])} for ${formatAge(Number(data['delayMs']))}`, tone: 'warn' }),
  'encoding.adapted': (data) => ({
    title: `Encoding stepped ${text(data['direction'])}`,
    reason: told(data['step'], data['detail']),
    tone: data['direction'] === 'down' ? 'warn' : 'good',
  }),
  'failover.switched': (data) => ({ title: `Over to the ${text(data['to'])} publisher`, reason: text(data['reason']), tone: 'warn' }),
  'stream.alert-raised': (data) => ({ title: alertName(text(data['alert'])), reason: text(data['detail']), tone: 'bad' }),
  'stream.alert-cleared': (data) => ({
    title: `${alertName(text(data['alert']))}: over`,
    reason: `after ${formatAge(Number(data['lastedMs']))}${data['reason'] === 'session-ended' ? ', with the session' : ''}`,
    tone: 'good',
  }),
  'stream.marked': (data) => plain('Marked', told(data['class'] ?? 'marker', data['markerId'])),
  'stream.cue-refused': (data) => ({ title: `${text(data['cue'])} refused`, reason: told(data['reason'], data['detail']), tone: 'warn' }),
  'recording.finished': (data) => ({
    title: 'Recording is ready',
    reason: `${formatSpan(Number(data['durationMs']))}, ${formatBytes(Number(data['mp4Bytes']))}`,
    tone: 'good',
  }),
  'recording.failed': (data) => ({ title: 'No recording', reason: told(data['reason'], data['detail']), tone: 'bad' }),
  'clip.requested': (data) => plain('Clip asked for', text(data['name'])),
  'clip.finished': (data) => ({
    title: 'Clip is ready',
    reason: `${formatSpan(Number(data['durationMs']))}, ${formatBytes(Number(data['mp4Bytes']))}`,
    tone: 'good',
  }),
  'clip.failed': (data) => ({ title: 'No clip', reason: told(data['reason'], data['detail']), tone: 'bad' }),
};

/** An event of a stream in a few words. */
export function decisionOf({ type, data }: Pick<FeedEvent, 'type' | 'data'>): Decision {
  return sentences[type]?.(data) ?? plain(type);
}

/** Points of a line in a box of 100 by 100, the newest at the right; the highest value touches neither edge. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values) * 1.15;
  const step = values.length < 2 ? 0 : 100 / (values.length - 1);
  return values.map((value, at) => `${(at * step).toFixed(2)},${(100 - (value / top) * 100).toFixed(2)}`).join(' ');
}
