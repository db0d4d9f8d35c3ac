import { basicCharacter, extendedCharacter, specialCharacter } from './cea608-characters.constants.ts';
import { Cea608Channel } from './cea608-channel.core.ts';
import type { CueLog } from './cue-log.core.ts';

/** One field of line 21: two caption channels whose codes are told apart by a bit, and in field 2 data of other kinds (CTA-608-E). */
export class Cea608Field {
  readonly #channels: readonly [Cea608Channel, Cea608Channel];
  readonly #onUse: (channel: 0 | 1) => void;
  /** What comes without a code is for the channel that was named last. */
  #channel: 0 | 1 | undefined;
  #lastControl = 0;
  /** Extended data services are under way (section 9). */
  #inServices = false;

  /** @param onUse told when something is said to a channel */
  constructor(logs: readonly [CueLog, CueLog], onUse: (channel: 0 | 1) => void) {
    this.#channels = [new Cea608Channel(logs[0]), new Cea608Channel(logs[1])];
    this.#onUse = onUse;
  }

  /** Two bytes with their parity. */
  push(atMs: number, one: number, other: number): void {
    const [first, second] = [one & 0x7f, other & 0x7f];
    if (first === 0 && second === 0) return;
    if (first >= 0x10 && first < 0x20) {
      this.#inServices = false;
      return this.#control(atMs, first, second);
    }
    this.#lastControl = 0;
    // 0x0f ends them.
    if (first < 0x10 && first !== 0) this.#inServices = first !== 0x0f;
    if (this.#inServices || first < 0x10 || this.#channel === undefined) return;
    this.#onUse(this.#channel);
    this.#channels[this.#channel].characters(atMs, [first, second].filter((byte) => byte >= 0x20).map(basicCharacter));
  }

  /** Control codes are sent twice in a row, and count once (section 8.4). */
  #control(atMs: number, first: number, second: number): void {
    const code = (first << 8) | second;
    if (code === this.#lastControl) {
      this.#lastControl = 0;
      return;
    }
    this.#lastControl = code;
    if (second < 0x20) return;
    this.#channel = (first & 0x08) === 0 ? 0 : 1;
    this.#onUse(this.#channel);
    act(this.#channels[this.#channel], atMs, first & 0x17, second);
  }
}

/** @param first as the first channel of a field has it */
function act(channel: Cea608Channel, atMs: number, first: number, second: number): void {
  if (second >= 0x40) return channel.preamble(atMs, first, second);
  if (first === 0x14 || first === 0x15) return second < 0x30 ? channel.control(atMs, second) : undefined;
  if (first === 0x11) return second < 0x30 ? channel.midRow(atMs, second) : channel.characters(atMs, [specialCharacter(second)]);
  if (first === 0x12 || first === 0x13) return channel.extended(atMs, extendedCharacter(first, second));
  if (first === 0x17 && second >= 0x21 && second <= 0x23) return channel.tab(second - 0x20);
  // Backgrounds: a viewer's own setting with WebVTT.
}
