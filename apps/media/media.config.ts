import { defaultVaapiDevice, encoderKinds, presets, type Preset } from '#core/ffmpeg-plan';
import { invalidSetting, readChoice, readInteger, readPort, readSharedSettings, readText, type Environment, type SharedSettings } from '#runtime';
import type { WorkingEncoder } from './run/encoder-sessions.ts';

export interface MediaSettings extends SharedSettings {
  /** Tells the media processes of one machine apart; stable, so that a restarted one takes over from itself at once. */
  readonly mediaId: string;
  /** ffmpeg: a path, or a name that is looked up in `searchPath`. */
  readonly ffmpeg: string;
  readonly searchPath: string;
  readonly preset: Preset;
  /** Hardware encoders to try at the start, best first. */
  readonly hardware: readonly HardwareKind[];
  /** Pictures that each encodes at once. */
  readonly sessions: Readonly<Record<HardwareKind, number>>;
  readonly vaapiDevice: string;
  readonly streamsMax: number;
  /** Media of a live session that is kept so that a crashed encoder loses nothing, bytes per stream. */
  readonly feedBytesMax: number;
  readonly leaseTtlMs: number;
  /** Gateways follow the parts of segments here, when it is on; one port for all streams, 0 for any that is free. */
  readonly liveEdge: { readonly on: boolean; readonly host: string; readonly port: number; readonly publicHost: string };
  /** Media silence of the publisher in use after which the other one takes over. */
  readonly failoverSilenceMs: number;
  /** How long the preferred publisher must have been well before it is gone back to. */
  readonly failoverReturnMs: number;
  /** Stopped streams that are made into one file at once. */
  readonly recordingsMax: number;
}

type HardwareKind = WorkingEncoder['kind'];

const hardwareKinds: readonly HardwareKind[] = encoderKinds.filter((kind) => kind !== 'software');
/** NVIDIA's consumer cards open eight ("Video Encode and Decode GPU Support Matrix"); the others say no number. */
const sessionsDefault: Readonly<Record<HardwareKind, number>> = { nvenc: 8, qsv: 16, amf: 16, vaapi: 16 };

/** `auto`, `software`, or kinds of encoders, best first: `vaapi,qsv`. */
function readHardware(env: Environment): readonly HardwareKind[] {
  const text = env['MEDIA_ENCODERS'] || 'auto';
  if (text === 'auto') return hardwareKinds;
  if (text === 'software') return [];
  const kinds = text.split(',').map((one) => hardwareKinds.find((kind) => kind === one.trim()));
  if (kinds.some((kind) => kind === undefined) || new Set(kinds).size !== kinds.length)
    throw invalidSetting('MEDIA_ENCODERS', `is auto, software, or some of ${hardwareKinds.join(',')}, but is ${JSON.stringify(text)}`);
  return kinds.filter((kind) => kind !== undefined);
}

/** `nvenc:8,vaapi:4` */
function readSessions(env: Environment): Readonly<Record<HardwareKind, number>> {
  const text = env['MEDIA_ENCODER_SESSIONS'] || '';
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  const given = pairs.map((pair) => {
    const [, name, count] = /^\s*([a-z]+):(\d{1,4})\s*$/.exec(pair) ?? [];
    const kind = hardwareKinds.find((one) => one === name);
    if (kind === undefined)
      throw invalidSetting('MEDIA_ENCODER_SESSIONS', `is like nvenc:8,vaapi:4, of ${hardwareKinds.join(', ')}, but is ${JSON.stringify(text)}`);
    return [kind, Number(count)] as const;
  });
  return { ...sessionsDefault, ...Object.fromEntries(given) };
}

export function readMediaSettings(env: Environment = process.env): MediaSettings {
  const host = env['LIVE_EDGE_HOST'] || '127.0.0.1';
  return {
    ...readSharedSettings(env),
    mediaId: readText(env, 'MEDIA_ID', 'media-1', /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
    ffmpeg: env['FFMPEG_PATH'] || 'ffmpeg',
    searchPath: env['PATH'] || '/usr/local/bin:/usr/bin:/bin',
    preset: readChoice(env, 'MEDIA_PRESET', presets, 'veryfast'),
    hardware: readHardware(env),
    sessions: readSessions(env),
    vaapiDevice: readText(env, 'MEDIA_VAAPI_DEVICE', defaultVaapiDevice, /^\/[\w./-]+$/),
    streamsMax: readInteger(env, 'MEDIA_STREAMS_MAX', 32, 1, 1000),
    feedBytesMax: readInteger(env, 'MEDIA_FEED_MB', 32, 4, 1024) * 1024 * 1024,
    leaseTtlMs: readInteger(env, 'MEDIA_LEASE_TTL_MS', 10_000, 1000, 60_000),
    liveEdge: {
      on: readChoice(env, 'LIVE_EDGE', ['on', 'off'], 'on') === 'on',
      host,
      port: readPort(env, 'LIVE_EDGE_PORT', 0),
      publicHost: env['LIVE_EDGE_PUBLIC_HOST'] || host,
    },
    failoverSilenceMs: readInteger(env, 'FAILOVER_SILENCE_MS', 2_000, 500, 30_000),
    failoverReturnMs: readInteger(env, 'FAILOVER_RETURN_MS', 10_000, 1_000, 3_600_000),
    recordingsMax: readInteger(env, 'MEDIA_RECORDINGS', 1, 1, 16),
  };
}
