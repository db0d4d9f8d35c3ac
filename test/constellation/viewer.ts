import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { until } from './platform.ts';
import { readTimecode, timecodeAgeMs, timecodeBlocks, timecodeHeightShare } from './timecode.ts';

const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** What a look at the playing picture tells. */
export interface Look {
  /** The video element's position, seconds. */
  readonly currentTime: number;
  readonly width: number;
  readonly height: number;
  /** Mean luma of the picture, 0 (black) to 255. */
  readonly brightness: number;
  /** From the moment the publisher drew the frame to now, ms; undefined when no timecode could be read. */
  readonly latencyMs: number | undefined;
  readonly decodedFrames: number;
}

/** A real Chromium with one page. */
export class Viewer {
  readonly page: Page;
  /** Errors of the page, and what its policy kept it from, oldest first. */
  readonly problems: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && message.text().includes('Content Security Policy')) this.problems.push(message.text());
    });
  }

  static async open(url: string, size = { width: 1280, height: 900 }, colorScheme: 'light' | 'dark' = 'light'): Promise<Viewer> {
    const executablePath = process.env['CHROMIUM'] ?? executables.find((path) => existsSync(path));
    if (executablePath === undefined) throw new Error('No Chromium found: install the package chromium, or set CHROMIUM to its path.');
    const browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--autoplay-policy=no-user-gesture-required',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-quic',
      ],
    });
    const page = await browser.newPage({ viewport: size, colorScheme });
    const viewer = new Viewer(browser, page);
    await page.goto(url);
    return viewer;
  }

  /** Looks at the first video of the page; undefined while it has no picture. */
  async look(): Promise<Look | undefined> {
    const seen = await this.page.evaluate(lookAtVideo, { blocks: timecodeBlocks, heightShare: timecodeHeightShare });
    if (seen === undefined) return undefined;
    const count = readTimecode(seen.luma);
    return { ...seen, latencyMs: count === undefined ? undefined : timecodeAgeMs(count, seen.now) };
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** Until each shows a picture that was drawn after a moment. */
export function showWhatIsDrawnSince(viewers: readonly Viewer[], sinceMs: number, complaint: string): Promise<unknown> {
  return Promise.all(
    viewers.map((one) => {
      let last: Look | undefined;
      return until(
        async () => {
          last = await one.look();
          return last?.latencyMs !== undefined && Date.now() - last.latencyMs > sinceMs;
        },
        30_000,
        () => `${complaint} ${JSON.stringify(last)}`,
      );
    }),
  );
}

interface Seen {
  readonly currentTime: number;
  readonly width: number;
  readonly height: number;
  readonly brightness: number;
  readonly luma: number[];
  readonly now: number;
  readonly decodedFrames: number;
}

/** Runs in the page: paints the video on a canvas and reads the samples that matter. */
function lookAtVideo({ blocks, heightShare }: { blocks: number; heightShare: number }): Seen | undefined {
  interface PageVideo {
    readonly videoWidth: number;
    readonly videoHeight: number;
    readonly readyState: number;
    readonly currentTime: number;
    getVideoPlaybackQuality(): { totalVideoFrames: number };
  }
  interface PageCanvas {
    width: number;
    height: number;
    getContext(
      kind: '2d',
      settings: object,
    ): { drawImage(video: PageVideo, x: number, y: number): void; getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } };
  }
  const { document } = globalThis as unknown as { document: { querySelector(selector: string): PageVideo | null; createElement(name: 'canvas'): PageCanvas } };
  const video = document.querySelector('video');
  if (video === null || video.videoWidth === 0 || video.readyState < 2) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const now = Date.now();
  context.drawImage(video, 0, 0);
  const lumaAt = (data: Uint8ClampedArray, at: number): number => 0.2126 * (data[at] ?? 0) + 0.7152 * (data[at + 1] ?? 0) + 0.0722 * (data[at + 2] ?? 0);
  const row = context.getImageData(0, Math.floor((canvas.height * heightShare) / 2), canvas.width, 1).data;
  const luma = Array.from({ length: blocks }, (_, at) => lumaAt(row, Math.floor(((at + 0.5) * canvas.width) / blocks) * 4));
  const picture = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  let samples = 0;
  for (let at = 0; at < picture.length; at += 4 * 997, samples++) sum += lumaAt(picture, at);
  return {
    currentTime: video.currentTime,
    width: canvas.width,
    height: canvas.height,
    brightness: sum / samples,
    luma,
    now,
    decodedFrames: video.getVideoPlaybackQuality().totalVideoFrames,
  };
}
