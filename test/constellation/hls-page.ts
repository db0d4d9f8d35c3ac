import { fileURLToPath } from 'node:url';
import { Viewer } from './viewer.ts';

const script = fileURLToPath(import.meta.resolve('hls.js/dist/hls.min.js'));

/** What a page of our own with plain hls.js has played. */
export interface Played {
  /** Numbers of the runs of media between discontinuities, as hls.js counts them, in the order in which they were played. */
  readonly discontinuities: readonly number[];
  /** Errors after which hls.js does nothing more by itself. */
  readonly fatal: readonly string[];
}

/** Opens a page that plays a playlist by hls.js. It is one of the same origin: Chromium lets no page of nowhere ask this machine. */
export async function openHlsPage(url: string): Promise<Viewer> {
  const viewer = await Viewer.open(new URL('/live/time', url).href, { width: 640, height: 400 });
  await viewer.page.setContent('<video muted width="426" height="240"></video>');
  await viewer.page.addScriptTag({ path: script });
  await viewer.page.evaluate(play, url);
  return viewer;
}

export function playedBy(viewer: Viewer): Promise<Played> {
  return viewer.page.evaluate('globalThis.played') as Promise<Played>;
}

/** Runs in the page. */
function play(url: string): void {
  interface PagePlayer {
    on(event: string, listener: (name: string, data: never) => void): void;
    loadSource(url: string): void;
    attachMedia(video: object): void;
  }
  const page = globalThis as unknown as {
    Hls: (new (settings: object) => PagePlayer) & { readonly Events: Readonly<Record<string, string>> };
    document: { querySelector(selector: string): { play(): Promise<void> } };
    played: { discontinuities: number[]; fatal: string[] };
  };
  const played = (page.played = { discontinuities: [] as number[], fatal: [] as string[] });
  const player = new page.Hls({});
  player.on(page.Hls.Events['FRAG_CHANGED'] as string, (_name, { frag }: { frag: { cc: number } }) => {
    if (played.discontinuities.at(-1) !== frag.cc) played.discontinuities.push(frag.cc);
  });
  player.on(page.Hls.Events['ERROR'] as string, (_name, { fatal, details }: { fatal: boolean; details: string }) => {
    if (fatal) played.fatal.push(details);
  });
  const video = page.document.querySelector('video');
  player.loadSource(url);
  player.attachMedia(video);
  void video.play();
}
