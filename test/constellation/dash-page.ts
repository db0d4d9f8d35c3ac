import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Viewer } from './viewer.ts';

const modules = join(import.meta.dirname, '../../../node_modules');

/** Players that are put into a page, and what each does to play a manifest in the page's video. */
const players = {
  'dash.js': {
    script: 'dashjs/dist/modern/umd/dash.all.min.js',
    play: `window.player = dashjs.MediaPlayer().create();
      player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => problems.push(JSON.stringify({ code: error.code, message: error.message })));
      player.initialize(video, url, true);`,
  },
  'Shaka Player': {
    script: 'shaka-player/dist/shaka-player.compiled.js',
    play: `shaka.polyfill.installAll();
      window.player = new shaka.Player();
      player.addEventListener('error', ({ detail }) => problems.push(detail.severity + ' ' + detail.code + ' ' + JSON.stringify(detail.data)));
      player.attach(video).then(() => player.load(url)).then(() => video.play(), (error) => problems.push(String(error)));`,
  },
  'hls.js': {
    script: 'hls.js/dist/hls.min.js',
    play: `window.player = new Hls();
      player.on(Hls.Events.ERROR, (_name, { fatal, details }) => fatal && problems.push(details));
      setInterval(() => [...video.textTracks].slice(0, 1).forEach((track) => { if (track.mode === 'disabled') track.mode = 'showing'; }), 500);
      player.loadSource(url);
      player.attachMedia(video);`,
  },
} as const;

type WebPlayer = keyof typeof players;
export type DashPlayer = Exclude<WebPlayer, 'hls.js'>;
export const dashPlayers: readonly DashPlayer[] = ['dash.js', 'Shaka Player'];

/** What a page with a player tells of itself. */
export interface DashLook {
  readonly currentTime: number;
  /** Of the presentation, seconds; null while it has no end. */
  readonly duration: number | null;
  readonly ended: boolean;
  readonly paused: boolean;
  readonly audioBytes: number;
  readonly problems: readonly string[];
}

/** A real Chromium with a player that knows nothing of us, on a page that is not ours. */
export class DashPage {
  readonly viewer: Viewer;
  readonly #site: PlayerSite;

  private constructor(viewer: Viewer, site: PlayerSite) {
    this.viewer = viewer;
    this.#site = site;
  }

  static async open(player: DashPlayer, url: string): Promise<DashPage> {
    const site = await playerSite(player, url);
    const viewer = await Viewer.open(site.url, { width: 640, height: 400 });
    await viewer.page.evaluate(site.play);
    return new DashPage(viewer, site);
  }

  look(): Promise<DashLook> {
    return this.viewer.page.evaluate(`(() => {
      const video = document.querySelector('video');
      return {
        currentTime: video.currentTime,
        duration: Number.isFinite(video.duration) && video.duration < 1e8 ? video.duration : null,
        ended: video.ended,
        paused: video.paused,
        audioBytes: video.webkitAudioDecodedByteCount,
        problems: window.problems,
      };
    })()`);
  }

  /** Shows the first track of captions as soon as there is one, and tells what they say now. */
  words(): Promise<readonly string[]> {
    return this.viewer.page.evaluate(`(() => {
      const shaka = player.getTextTracks;
      const tracks = shaka ? player.getTextTracks() : player.getTracksFor('text');
      if (tracks.length > 0 && !window.hasCaptions) {
        window.hasCaptions = true;
        shaka ? player.selectTextTrack(tracks[0]) : player.setTextTrack(0);
      }
      return [...document.querySelector('video').textTracks].flatMap(({ activeCues }) => [...(activeCues ?? [])].map(({ text }) => text));
    })()`);
  }

  seek(second: number): Promise<void> {
    return this.viewer.page.evaluate(`document.querySelector('video').currentTime = ${second}`);
  }

  /** Presses play. */
  goOn(): Promise<void> {
    return this.viewer.page.evaluate(`document.querySelector('video').play()`);
  }

  async close(): Promise<void> {
    await this.viewer.close();
    this.#site.close();
  }
}

const html = '<!doctype html><title>player</title><video muted autoplay playsinline style="width: 100%"></video><script src="/player.js"></script>';

/** A web site of somebody else, with a player on its page. */
export interface PlayerSite {
  readonly url: string;
  /** What the page has to run to play the manifest; errors are told to `window.problems`. */
  readonly play: string;
  close(): void;
}

export async function playerSite(player: WebPlayer, manifestUrl: string): Promise<PlayerSite> {
  const { script, play } = players[player];
  const site = await siteWith(await readFile(join(modules, script)));
  return {
    url: `http://127.0.0.1:${(site.address() as AddressInfo).port}/`,
    play: `(() => { window.problems = []; const video = document.querySelector('video'); const url = ${JSON.stringify(manifestUrl)}; ${play} })()`,
    close: () => {
      site.closeAllConnections();
      site.close();
    },
  };
}

/** Another origin than ours. */
function siteWith(script: Buffer): Promise<Server> {
  const site = createServer(({ url }, response) => {
    const [type, body] = url === '/player.js' ? ['text/javascript', script] : ['text/html', html];
    response.writeHead(200, { 'content-type': type }).end(body);
  });
  return new Promise((resolve) => site.listen(0, '127.0.0.1', () => resolve(site)));
}
