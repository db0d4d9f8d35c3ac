/** What the address of the page says: `/embed/<streamId>?autoplay=1&muted=1&start=90&title=…`. */
export interface EmbedOptions {
  readonly streamId: string;
  /** Begins by itself: without sound, for browsers allow nothing else. */
  readonly autoplay: boolean;
  readonly muted: boolean;
  /** Seconds from the beginning, below zero from the end; undefined for the live edge, or the beginning of a recording. */
  readonly startSec: number | undefined;
  /** Shown above the picture; empty for nothing. */
  readonly title: string;
}

const titleMax = 200;

export function embedOptionsOf(path: string, query: string): EmbedOptions {
  const asked = new URLSearchParams(query);
  const isOn = (name: string): boolean => ['1', 'true', ''].includes(asked.get(name) ?? 'no');
  const start = asked.get('start') ?? '';
  return {
    streamId: /^\/embed\/([^/]+)\/?$/.exec(path)?.[1] ?? '',
    autoplay: isOn('autoplay'),
    muted: isOn('muted') || isOn('autoplay'),
    startSec: /^-?\d{1,6}$/.test(start) ? Number(start) : undefined,
    title: (asked.get('title') ?? '').slice(0, titleMax),
  };
}

/** What another site puts into its page. */
export function embedCodeOf(origin: string, streamId: string, title: string): string {
  const name = title.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const allow = 'autoplay; fullscreen; picture-in-picture';
  const frame = 'style="position:absolute;inset:0;width:100%;height:100%;border:0"';
  return `<div style="position:relative;aspect-ratio:16/9"><iframe src="${origin}/embed/${streamId}" title="${name}" allow="${allow}" allowfullscreen ${frame}></iframe></div>`;
}
