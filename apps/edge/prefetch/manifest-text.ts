import { fieldValue, type StoredResponse } from '#core/http-cache';
import { manifestLengthMax } from '#core/prefetch';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, zstdDecompress } from 'node:zlib';

const types = /^(?:application\/(?:vnd\.apple\.mpegurl|x-mpegurl|dash\+xml)|audio\/(?:mpegurl|x-mpegurl))\s*(?:;|$)/i;
const names = /\.(?:m3u8|mpd)(?:\?|$)/i;
const decoders = { gzip: promisify(gunzip), br: promisify(brotliDecompress), zstd: promisify(zstdDecompress) } as const;

/** Whether a response says which segments there are. */
export function isManifest({ fields, status }: StoredResponse, path: string): boolean {
  if (status !== 200) return false;
  const type = fieldValue(fields, 'content-type');
  // Some origins say text/plain, or nothing.
  return type !== undefined && types.test(type) ? true : names.test(path) && (type === undefined || /^(?:text\/|application\/octet-stream)/i.test(type));
}

/** Its text; undefined for what is too long, or coded in another way than edges and origins code it. */
export async function manifestText({ fields }: StoredResponse, bytes: Uint8Array): Promise<string | undefined> {
  const coding = fieldValue(fields, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (bytes.length > manifestLengthMax) return undefined;
  if (coding === 'identity') return new TextDecoder().decode(bytes);
  if (!(coding in decoders)) return undefined;
  try {
    const whole = await decoders[coding as keyof typeof decoders](bytes, { maxOutputLength: manifestLengthMax });
    return new TextDecoder().decode(whole);
  } catch {
    // Damaged, or a bomb: whoever reads it will see; here nothing follows from it.
    return undefined;
  }
}
