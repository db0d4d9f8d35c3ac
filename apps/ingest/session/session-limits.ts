import { decodeMetadata, FlvError, pictureOf, type StreamMetadata } from '#core/flv';
import type { TenantLimits } from '#domain/stream';
import type { Millis } from '#kernel';

/** Key frames come in bursts: a shorter window would take one for a bitrate. */
const windowMs = 10_000;
/** Encoders go above their target for a while. */
const tolerance = 1.2;
/** A network that brings nothing for longer than this stands still: what was sent meanwhile comes at once afterwards. */
const stillMsMin = 1_000;
/** Of the time that the network stood still, so much is made up for: an encoder holds back no more, or has gone. */
const stillMsMax = 60_000;

/** Why a publisher that was let in may not go on. */
export interface LimitBreach {
  readonly reason: 'limit-exceeded' | 'lifetime-over';
  readonly detail: string;
}

/** Holds one session to its tenant's limits and to its own lifetime. */
export class SessionLimits {
  readonly #limits: TenantLimits;
  readonly #endsAt: Millis | undefined;
  #windowAt: Millis;
  #bytesAtWindow: number;
  #lastBytes: number;
  #lastBytesAt: Millis;
  /** The time in which nothing came, as far as no later window has used it. */
  #stillMs = 0;

  constructor(limits: TenantLimits, endsAt: Millis | undefined, start: { readonly now: Millis; readonly bytes: number }) {
    this.#limits = limits;
    this.#endsAt = endsAt;
    this.#windowAt = start.now;
    this.#bytesAtWindow = this.#lastBytes = start.bytes;
    this.#lastBytesAt = start.now;
  }

  /** @param bytes received since the connection began */
  check(bytes: number, now: Millis): LimitBreach | undefined {
    if (this.#endsAt !== undefined && now >= this.#endsAt) return { reason: 'lifetime-over', detail: 'The time that this publisher was given is over.' };
    this.#heard(bytes, now);
    const passedMs = now - this.#windowAt;
    if (passedMs < windowMs) return undefined;
    const bits = (bytes - this.#bytesAtWindow) * 8;
    this.#windowAt = now;
    this.#bytesAtWindow = bytes;
    const { bitrate: allowed } = this.#limits;
    if (allowed === undefined) return undefined;
    const tooLongMs = (bits * 1000) / (allowed * tolerance) - passedMs;
    const madeUpMs = Math.min(this.#stillMs, Math.max(0, tooLongMs));
    this.#stillMs -= madeUpMs;
    if (tooLongMs <= madeUpMs) return undefined;
    const bitrate = (bits * 1000) / (passedMs + madeUpMs);
    return { reason: 'limit-exceeded', detail: `This publisher sends ${kbps(bitrate)} kbit/s; ${kbps(allowed)} are allowed.` };
  }

  #heard(bytes: number, now: Millis): void {
    if (bytes === this.#lastBytes) return;
    const stillMs = now - this.#lastBytesAt;
    if (stillMs > stillMsMin) this.#stillMs = Math.min(stillMsMax, this.#stillMs + stillMs);
    this.#lastBytes = bytes;
    this.#lastBytesAt = now;
  }

  /**
   * What the encoder says of itself, which is the first that comes after it has begun. Of some codecs nothing else tells the size.
   * @param body of `onMetaData`
   */
  announced(body: Uint8Array): LimitBreach | undefined {
    const { width = 0, height = 0, videoKbps = 0, audioKbps = 0 } = saidIn(body);
    const bitrate = (videoKbps + audioKbps) * 1000;
    const { bitrate: allowed } = this.#limits;
    if (allowed !== undefined && bitrate > allowed * tolerance)
      return { reason: 'limit-exceeded', detail: `This publisher is set to ${kbps(bitrate)} kbit/s; ${kbps(allowed)} are allowed.` };
    return this.#tooLarge('The picture', { width, height });
  }

  /**
   * Each track is held to it; to the bitrate they are together.
   * @param body of a video sequence header
   */
  picture(body: Uint8Array, track = 0): LimitBreach | undefined {
    return this.#limits.height === undefined ? undefined : this.#tooLarge(track === 0 ? 'The picture' : `The picture of track ${track}`, sizeOf(body));
  }

  #tooLarge(which: string, { width, height }: { readonly width: number; readonly height: number }): LimitBreach | undefined {
    const { height: allowed } = this.#limits;
    if (allowed === undefined || Math.min(width, height) <= allowed) return undefined;
    return { reason: 'limit-exceeded', detail: `${which} has ${width}x${height} pixels; ${allowed} lines are allowed.` };
  }
}

function kbps(bitrate: number): number {
  return Math.round(bitrate / 1000);
}

function saidIn(body: Uint8Array): StreamMetadata {
  try {
    return decodeMetadata(body) ?? {};
  } catch (error) {
    if (error instanceof FlvError) return {};
    throw error;
  }
}

function sizeOf(body: Uint8Array): { readonly width: number; readonly height: number } {
  try {
    return pictureOf(body) ?? { width: 0, height: 0 };
  } catch (error) {
    if (error instanceof FlvError) return { width: 0, height: 0 };
    throw error;
  }
}
