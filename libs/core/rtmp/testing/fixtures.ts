import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../../../../libs/core/rtmp/fixtures/', import.meta.url);

/** Names of all transcripts: ffmpeg 5.1, GStreamer 1.22, librtmp 2.4 and OBS Studio 29, recorded by test/interop/rtmp-record.ts. */
export const transcripts: readonly string[] = readdirSync(folder).flatMap((name) => /^(.+)\.bin$/.exec(name)?.[1] ?? []);

/** Bytes that a real encoder sent. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.bin`, folder)));
}
