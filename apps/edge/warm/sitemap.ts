import { scanXml } from '#core/prefetch';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Of one sitemap, unpacked (sitemaps.org allows 50 MB), bytes. */
export const sitemapBytesMax = 10 * 1024 * 1024;
/** Of one sitemap; sitemaps.org allows 50,000. */
export const locationsMax = 10_000;
const unpack = promisify(gunzip);

export interface Sitemap {
  /** Sitemaps that it lists, in place of pages. */
  readonly sitemaps: readonly string[];
  readonly urls: readonly string[];
  /** Whether it lists more than are read. */
  readonly more: boolean;
  /** How many of another host it lists, which are left out, … */
  readonly others: number;
  /** … and the first of them. */
  readonly firstOther: string | undefined;
}

/** What a sitemap lists (sitemaps.org): on its own host alone, as the protocol has it. @throws Error for one that is packed and cannot be unpacked */
export async function readSitemap(bytes: Uint8Array, host: string): Promise<Sitemap> {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = new TextDecoder().decode(packed ? await unpack(bytes, { maxOutputLength: sitemapBytesMax }) : bytes.subarray(0, sitemapBytesMax));
  const listed = { sitemap: new Set<string>(), url: new Set<string>() };
  const others: string[] = [];
  let more = false;
  let inside: 'sitemap' | 'url' | undefined;
  for (const { kind, name, text: content } of scanXml(text)) {
    if (kind === 'open' && (name === 'sitemap' || name === 'url')) inside = name;
    if (kind === 'open' && name === 'loc' && inside !== undefined) {
      if (isOn(host, content)) listed[inside].add(content);
      else others.push(content);
    }
    more = listed.url.size + listed.sitemap.size + others.length > locationsMax;
    if (more) break;
  }
  return { sitemaps: [...listed.sitemap], urls: [...listed.url].slice(0, locationsMax), more, others: others.length, firstOther: others[0]?.slice(0, 200) };
}

function isOn(host: string, url: string): boolean {
  const parsed = url.length <= 4096 && URL.canParse(url) ? new URL(url) : undefined;
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.host.toLowerCase() === host.toLowerCase();
}
