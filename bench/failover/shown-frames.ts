import type { Viewer } from '../../test/constellation/viewer.ts';
import { readTimecode, timecodeAgeMs, timecodeBlocks, timecodeHeightShare } from '../../test/constellation/timecode.ts';

/** A picture that the player has shown. */
export interface ShownFrame {
  /** When it was shown, and when its publisher drew it, ms since the Unix epoch. */
  readonly atMs: number;
  readonly drawnMs: number;
}

/** Every picture that a page's player shows, by the timecode in it, at the moment in which it is shown. */
export class ShownFrames {
  readonly #viewer: Viewer;

  private constructor(viewer: Viewer) {
    this.#viewer = viewer;
  }

  static async watch(viewer: Viewer): Promise<ShownFrames> {
    await viewer.page.evaluate(watchFrames, { blocks: timecodeBlocks, heightShare: timecodeHeightShare });
    return new ShownFrames(viewer);
  }

  /** Those since the last call; pictures whose timecode cannot be read are left out. */
  async take(): Promise<ShownFrame[]> {
    const seen = (await this.#viewer.page.evaluate('globalThis.shownFrames.splice(0)')) as ReadonlyArray<{ readonly atMs: number; readonly luma: number[] }>;
    return seen.flatMap(({ atMs, luma }) => {
      const count = readTimecode(luma);
      return count === undefined ? [] : [{ atMs, drawnMs: atMs - timecodeAgeMs(count, atMs) }];
    });
  }
}

/** Runs in the page: reads one line of every frame, and nothing more, so that watching costs little. */
function watchFrames({ blocks, heightShare }: { blocks: number; heightShare: number }): void {
  interface PageVideo {
    readonly videoWidth: number;
    readonly videoHeight: number;
    requestVideoFrameCallback(callback: () => void): void;
  }
  interface PageCanvas {
    width: number;
    height: number;
    getContext(
      kind: '2d',
      settings: object,
    ): { drawImage(video: PageVideo, ...places: number[]): void; getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } };
  }
  const page = globalThis as unknown as {
    document: { querySelector(selector: string): PageVideo; createElement(name: 'canvas'): PageCanvas };
    shownFrames: Array<{ atMs: number; luma: number[] }>;
  };
  page.shownFrames = [];
  const video = page.document.querySelector('video');
  const canvas = page.document.createElement('canvas');
  canvas.height = 1;
  const look = (): void => {
    const atMs = Date.now();
    const width = video.videoWidth;
    if (canvas.width !== width) canvas.width = width;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, Math.floor((video.videoHeight * heightShare) / 2), width, 1, 0, 0, width, 1);
    const { data } = context.getImageData(0, 0, width, 1);
    page.shownFrames.push({ atMs, luma: Array.from({ length: blocks }, (_, at) => data[Math.floor(((at + 0.5) * width) / blocks) * 4] ?? 0) });
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
