import { scanXml } from '#core/prefetch';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Of one sitemap, unpacked (sitemaps.org allows 50 MB), bytes. */
export const sitemapBytesMax = 10 * 1024 * 1024;
const locationsMax = 10_000;
const unpack = promisify(gunzip);

export interface Sitemap {
  /** Sitemaps that it lists, in place of pages. */
  readonly sitemaps: readonly string[];
  readonly urls: readonly string[];
}

/** What a sitemap lists (sitemaps.org): on its own host alone, as the protocol has it. @throws Error for one that is packed and cannot be unpacked */
export async function readSitemap(bytes: Uint8Array, host: string): Promise<Sitemap> {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = new TextDecoder().decode(packed ? await unpack(bytes, { maxOutputLength: sitemapBytesMax }) : bytes.subarray(0, sitemapBytesMax));
  const listed = { sitemap: new Set<string>(), url: new Set<string>() };
  let inside: 'sitemap' | 'url' | undefined;
  for (const { kind, name, text: content } of scanXml(text)) {
    if (kind === 'open' && (name === 'sitemap' || name === 'url')) inside = name;
    if (kind === 'open' && name === 'loc' && inside !== undefined && isOn(host, content)) listed[inside].add(content);
    if (listed.url.size + listed.sitemap.size >= locationsMax) break;
  }
  return { sitemaps: [...listed.sitemap], urls: [...listed.url] };
}

function isOn(host: string, url: string): boolean {
  const parsed = url.length <= 4096 && URL.canParse(url) ? new URL(url) : undefined;
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.host.toLowerCase() === host.toLowerCase();
}
