import { FlvError, type FlvErrorCode } from './errors.ts';

/** Reads bits, most significant first. Beyond the end it throws: a parameter set cut short is not a parameter set. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #code: FlvErrorCode;
  #at = 0;

  constructor(bytes: Uint8Array, code: FlvErrorCode) {
    this.#bytes = bytes;
    this.#code = code;
  }

  get bitsLeft(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new FlvError(this.#code, 'A codec configuration ends too early.');
    const value = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at += 1;
    return value;
  }

  /** Up to 32 bits as an unsigned number. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  skip(count: number): void {
    if (count > this.bitsLeft) throw new FlvError(this.#code, 'A codec configuration ends too early.');
    this.#at += count;
  }

  /** ue(v), ITU-T H.264 section 9.1. */
  unsignedExpGolomb(): number {
    let zeros = 0;
    while (this.bit() === 0) {
      if (++zeros > 31) throw new FlvError(this.#code, 'An Exp-Golomb number is longer than 32 bits.');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v), ITU-T H.264 section 9.1.1. */
  signedExpGolomb(): number {
    const value = this.unsignedExpGolomb();
    return value % 2 === 0 ? -value / 2 : (value + 1) / 2;
  }
}
