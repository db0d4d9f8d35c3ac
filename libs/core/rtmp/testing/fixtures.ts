import { readFileSync } from 'node:fs';

/** Bytes that a real ffmpeg 5.1 sent, recorded by test/interop/rtmp-record.ts. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../../../libs/core/rtmp/fixtures/${name}.bin`, import.meta.url)));
}
