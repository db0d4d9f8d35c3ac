import { Cea608Field } from './cea608-field.core.ts';
import { Cea708Decoder } from './cea708-decoder.core.ts';
import { CueLog } from './cue-log.core.ts';
import type { CaptionCue } from './cue.ts';

/** What of a channel is seen in a stretch of time. */
export interface ChannelCues {
  /** `cc1` to `cc4` of CEA-608, `service1` to `service6` of CEA-708. */
  readonly channel: string;
  readonly cues: readonly CaptionCue[];
}

interface Waiting {
  readonly atMs: number;
  readonly pairs: Uint8Array;
}

/** Access units that may wait for those which are shown before them; sixteen frames are the most that a codec holds back. */
const waitingMax = 64;

/**
 * Captions out of access units as they come: pairs are brought into the order in which the pictures are shown, then decoded.
 * Pure. Whatever comes, nothing of it is an error: a channel shows what could be read.
 */
export class CaptionDecoder {
  readonly #logs = new Map<string, CueLog>();
  readonly #fields: readonly [Cea608Field, Cea608Field];
  readonly #services = new Cea708Decoder((service) => this.#log(`service${service}`));
  #waiting: Waiting[] = [];

  constructor() {
    const field = (channels: readonly [string, string]): Cea608Field => {
      const logs = channels.map(() => new CueLog()) as [CueLog, CueLog];
      return new Cea608Field(logs, (channel) => this.#logs.set(channels[channel], logs[channel]));
    };
    this.#fields = [field(['cc1', 'cc2']), field(['cc3', 'cc4'])];
  }

  /**
   * An access unit, in the order of decoding.
   * @param pairs as `captionPairs` answers them
   */
  push({ decodeMs, presentationMs, pairs }: { readonly decodeMs: number; readonly presentationMs: number; readonly pairs: Uint8Array | undefined }): void {
    if (pairs !== undefined) this.#waiting.push({ atMs: presentationMs, pairs });
    if (this.#waiting.length === 0) return;
    // What is decoded later is shown later than this one's decoding.
    this.#release(decodeMs);
    if (this.#waiting.length > waitingMax) this.#release(Number.POSITIVE_INFINITY);
  }

  /** What each channel showed in that time; everything that is shown before its end has come. Channels that never said anything are left out. */
  between(fromMs: number, untilMs: number): readonly ChannelCues[] {
    this.#release(untilMs - 1);
    return [...this.#logs].map(([channel, log]) => ({ channel, cues: log.between(fromMs, untilMs) })).toSorted((a, b) => (a.channel < b.channel ? -1 : 1));
  }

  forgetBefore(ms: number): void {
    for (const log of this.#logs.values()) log.forgetBefore(ms);
  }

  #release(untilMs: number): void {
    const due = this.#waiting.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs > untilMs);
    for (const { atMs, pairs } of due) this.#decode(atMs, pairs);
  }

  #decode(atMs: number, pairs: Uint8Array): void {
    for (let at = 0; at + 2 < pairs.length; at += 3) {
      const [kind, first, second] = [pairs[at] as number, pairs[at + 1] as number, pairs[at + 2] as number];
      if (kind < 2) (this.#fields[kind] as Cea608Field).push(atMs, first, second);
      else this.#services.push(atMs, kind === 3, first, second);
    }
  }

  #log(channel: string): CueLog {
    let log = this.#logs.get(channel);
    if (log === undefined) {
      log = new CueLog();
      this.#logs.set(channel, log);
    }
    return log;
  }
}
