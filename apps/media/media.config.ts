import { presets, type Preset } from '#core/ffmpeg-plan';
import { readChoice, readInteger, readSharedSettings, readText, type Environment, type SharedSettings } from '#runtime';

export interface MediaSettings extends SharedSettings {
  /** Tells the media processes of one machine apart; stable, so that a restarted one takes over from itself at once. */
  readonly mediaId: string;
  /** ffmpeg: a path, or a name that is looked up in `searchPath`. */
  readonly ffmpeg: string;
  readonly searchPath: string;
  readonly preset: Preset;
  readonly streamsMax: number;
  /** Media of a live session that is kept so that a crashed encoder loses nothing, bytes per stream. */
  readonly feedBytesMax: number;
  readonly leaseTtlMs: number;
  /** Stopped streams that are made into one file at once. */
  readonly recordingsMax: number;
}

export function readMediaSettings(env: Environment = process.env): MediaSettings {
  return {
    ...readSharedSettings(env),
    mediaId: readText(env, 'MEDIA_ID', 'media-1', /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
    ffmpeg: env['FFMPEG_PATH'] || 'ffmpeg',
    searchPath: env['PATH'] || '/usr/local/bin:/usr/bin:/bin',
    preset: readChoice(env, 'MEDIA_PRESET', presets, 'veryfast'),
    streamsMax: readInteger(env, 'MEDIA_STREAMS_MAX', 32, 1, 1000),
    feedBytesMax: readInteger(env, 'MEDIA_FEED_MB', 32, 4, 1024) * 1024 * 1024,
    leaseTtlMs: readInteger(env, 'MEDIA_LEASE_TTL_MS', 10_000, 1000, 60_000),
    recordingsMax: readInteger(env, 'MEDIA_RECORDINGS', 1, 1, 16),
  };
}
