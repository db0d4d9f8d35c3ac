import type { CaptionBlock, CaptionCue } from './cue.ts';

interface Shown {
  readonly startMs: number;
  /** Infinity while it is shown. */
  endMs: number;
  text: string;
  blocks: readonly CaptionBlock[];
}

/** Letters that come one after the other make one cue for so long: a cue for each pair would be thirty a second. */
const gatherMs = 400;
/** Nothing is shown longer without a new word: an encoder that went away says nothing. CTA-608 section B.9 takes 16 s. */
const shownMsMax = 16_000;
const cuesMax = 512;

/** What one caption channel showed, and when. */
export class CueLog {
  #cues: Shown[] = [];

  /**
   * The screen as it is from now on.
   * @param written letter by letter, as opposed to at once
   */
  show(atMs: number, blocks: readonly CaptionBlock[], written: boolean): void {
    const text = JSON.stringify(blocks);
    const open = this.#open();
    if (open?.text === text) return;
    const isShown = blocks.some(({ lines }) => lines.length > 0);
    if (open !== undefined && written && isShown && atMs >= open.startMs && atMs - open.startMs < gatherMs) {
      open.text = text;
      open.blocks = blocks;
      return;
    }
    if (open !== undefined) open.endMs = Math.max(open.startMs, Math.min(atMs, open.startMs + shownMsMax));
    if (isShown) this.#cues.push({ startMs: atMs, endMs: Number.POSITIVE_INFINITY, text, blocks });
    if (this.#cues.length > cuesMax) this.#cues = this.#cues.slice(-cuesMax);
  }

  /** What is seen of it within a stretch of time, cut at both ends. */
  between(fromMs: number, untilMs: number): readonly CaptionCue[] {
    const cues: CaptionCue[] = [];
    for (const { startMs, endMs, blocks } of this.#cues) {
      const start = Math.max(startMs, fromMs);
      const end = Math.min(endMs, untilMs, startMs + shownMsMax);
      if (end > start) cues.push({ startMs: start, endMs: end, blocks });
    }
    return cues;
  }

  forgetBefore(ms: number): void {
    this.#cues = this.#cues.filter(({ endMs }) => endMs > ms);
  }

  #open(): Shown | undefined {
    const last = this.#cues.at(-1);
    return last?.endMs === Number.POSITIVE_INFINITY ? last : undefined;
  }
}
