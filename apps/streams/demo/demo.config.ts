import type { Environment } from '#runtime';

export interface DemoSettings {
  readonly url: string;
  readonly ffmpegPath: string;
  readonly supervised: boolean;
}

/** Settings of the demo's publisher; `DEMO_URL` is the ingest URL with the stream key, set by the supervisor. */
export function readDemoSettings(env: Environment = process.env): DemoSettings {
  return { url: env['DEMO_URL'] ?? '', ffmpegPath: env['FFMPEG_PATH'] || 'ffmpeg', supervised: env['STREAMS_SUPERVISED'] === '1' };
}
