import { extensionOf } from './target.codec.ts';

/**
 * Extensions under which caches expect what never depends on who asks. An origin that ignores the end of a path answers
 * `/account/x.css` with the account page; a cache that goes by the extension would show it to everybody ("web cache
 * deception", Gil 2017; Mirheidari et al., USENIX Security 2020).
 */
const staticExtensions = new Set([
  ...['css', 'js', 'mjs', 'map', 'wasm'],
  ...['avif', 'bmp', 'gif', 'ico', 'jpeg', 'jpg', 'png', 'svg', 'tif', 'tiff', 'webp'],
  ...['eot', 'otf', 'ttf', 'woff', 'woff2'],
  ...[
    'aac',
    'cmfa',
    'cmfv',
    'flac',
    'm3u8',
    'm4a',
    'm4s',
    'm4v',
    'mid',
    'mkv',
    'mov',
    'mp3',
    'mp4',
    'mpd',
    'oga',
    'ogg',
    'ogv',
    'opus',
    'srt',
    'ts',
    'vtt',
    'wav',
    'webm',
  ],
  ...['7z', 'bz2', 'csv', 'doc', 'docx', 'gz', 'jar', 'pdf', 'pls', 'ppt', 'pptx', 'rar', 'tar', 'xls', 'xlsx', 'zip', 'zst'],
]);

/** Types in which pages and answers about a person come. */
const documentTypes = new Set(['text/html', 'application/xhtml+xml', 'application/json', 'text/json', 'application/graphql-response+json']);
const jsonSuffix = '+json';
/** What a source map really is. */
const jsonExtensions = new Set(['map']);

/** Whether a response is of a kind that its target's extension does not announce. */
export function isDeceptive(target: string, contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  const extension = extensionOf(target);
  if (!staticExtensions.has(extension)) return false;
  const mediaType = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
  const json = mediaType.endsWith(jsonSuffix) || mediaType.endsWith('/json');
  return (documentTypes.has(mediaType) || json) && !(json && jsonExtensions.has(extension));
}
