import type { Prng } from '#kernel';
import { RtmpError } from './errors.ts';

/** RTMP 1.0 section 5.2. */
export const rtmpVersion = 3;
export const handshakeBytes = 1536;

/** The server's side of the handshake: gathers C0 and C1, answers S0, S1 and S2, and passes over C2. */
export class Handshake {
  readonly #hello = new Uint8Array(1 + handshakeBytes);
  readonly #prng: Prng;
  #received = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get done(): boolean {
    return this.#received === 1 + 2 * handshakeBytes;
  }

  /**
   * Takes bytes from `at`; returns where it stopped, and the answer when it is due.
   * @throws RtmpError `RTMP_HANDSHAKE_INVALID` when the first byte is not RTMP: nothing more is read from such a peer.
   */
  consume(input: Uint8Array, at: number): { at: number; answer: Uint8Array | undefined } {
    if (this.#received === 0 && input[at] !== rtmpVersion)
      throw new RtmpError('RTMP_HANDSHAKE_INVALID', `The first byte is ${input[at]}, not RTMP version ${rtmpVersion}.`);
    let position = at;
    let answer: Uint8Array | undefined;
    if (this.#received < this.#hello.length) {
      const count = Math.min(this.#hello.length - this.#received, input.length - position);
      this.#hello.set(input.subarray(position, position + count), this.#received);
      this.#received += count;
      position += count;
      if (this.#received === this.#hello.length) answer = this.#answer();
    }
    // C2 echoes S1; encoders get its times wrong, and nothing depends on it.
    const rest = Math.min(1 + 2 * handshakeBytes - this.#received, input.length - position);
    if (this.#received >= this.#hello.length) {
      this.#received += rest;
      position += rest;
    }
    return { at: position, answer };
  }

  /**
   * S0, S1, S2. S1 says version 0: encoders that put a digest in C1 (ffmpeg, Flash) then take the plain handshake.
   * S2 is the echo of C1.
   */
  #answer(): Uint8Array {
    const answer = new Uint8Array(1 + 2 * handshakeBytes);
    answer[0] = rtmpVersion;
    for (let i = 9; i < 1 + handshakeBytes; i++) answer[i] = this.#prng.nextUint32() & 0xff;
    answer.set(this.#hello.subarray(1), 1 + handshakeBytes);
    return answer;
  }
}
