import { assert } from '#kernel';
import type { Pes } from './pes.core.ts';

export const packetBytes = 188;
const headerBytes = 4;
const payloadBytesMax = packetBytes - headerBytes;
/** Adaptation field with its length, its flags and a program clock reference. */
const clockFieldBytes = 8;
/** Continuity counters have four bits. */
const counterSteps = 16;
const modulus = 2 ** 33;

/** How many packets a PES takes at least. */
export function packetsOf({ bytes, isEntry }: Pes, withClock: boolean): number {
  const firstField = withClock ? clockFieldBytes : isEntry ? 2 : 0;
  return 1 + Math.max(0, Math.ceil((bytes - (payloadBytesMax - firstField)) / payloadBytesMax));
}

/** Packets to add so that the counter of a stream stands where it began. */
export function fillPackets(packets: number): number {
  return (counterSteps - (packets % counterSteps)) % counterSteps;
}

/** Writes transport stream packets, ISO/IEC 13818-1 section 2.4.3.2, one behind the other. */
export class PacketWriter {
  readonly #bytes: Uint8Array;
  readonly #counters = new Map<number, number>();
  #at = 0;

  constructor(packets: number) {
    this.#bytes = new Uint8Array(packets * packetBytes);
  }

  /** A section of program specific information that fits a packet; the rest is stuffed behind it. */
  section(pid: number, counter: number, section: Uint8Array): void {
    assert(section.length <= payloadBytesMax, 'a section fits a packet');
    this.#header(pid, true, 0x10 | (counter & 15));
    this.#bytes.set(section, this.#at);
    this.#bytes.fill(0xff, this.#at + section.length, this.#at + payloadBytesMax);
    this.#at += payloadBytesMax;
  }

  /**
   * Spreads a PES over `packets` packets, each of which has at least one byte of it.
   * @param clockTicks program clock reference for the first one, 90 kHz; undefined for none
   */
  pes(pes: Pes, packets: number, clockTicks: number | undefined): void {
    assert(pes.bytes >= packets, 'every packet has a byte');
    const source = new PartReader(pes.parts);
    let left = pes.bytes;
    for (let n = 0; n < packets; n++) {
      const field = n === 0 ? this.#firstField(pes, clockTicks) : [];
      const room = payloadBytesMax - field.length;
      const count = Math.min(room, left - (packets - n - 1));
      this.#packet(pes.pid, n === 0, field, room - count);
      source.read(this.#bytes, this.#at, count);
      this.#at += count;
      left -= count;
    }
    assert(left === 0, 'a PES is written whole');
  }

  done(): Uint8Array {
    assert(this.#at === this.#bytes.length, 'the packets were counted before');
    return this.#bytes;
  }

  /** Adaptation field without its length byte's meaning of stuffing: that is added where the packet is not full. */
  #firstField({ isEntry }: Pes, clockTicks: number | undefined): readonly number[] {
    const random = isEntry ? 0x40 : 0;
    if (clockTicks === undefined) return isEntry ? [1, random] : [];
    const base = ((clockTicks % modulus) + modulus) % modulus;
    const high = Math.floor(base / 2);
    return [7, random | 0x10, (high >>> 24) & 0xff, (high >>> 16) & 0xff, (high >>> 8) & 0xff, high & 0xff, ((base % 2) << 7) | 0x7e, 0];
  }

  #packet(pid: number, isStart: boolean, field: readonly number[], stuffing: number): void {
    const counter = this.#counters.get(pid) ?? 0;
    this.#counters.set(pid, (counter + 1) & 15);
    const hasField = field.length > 0 || stuffing > 0;
    this.#header(pid, isStart, (hasField ? 0x30 : 0x10) | counter);
    if (!hasField) return;
    const bytes = this.#bytes;
    const total = field.length + stuffing;
    bytes[this.#at] = total - 1;
    if (total > 1) bytes[this.#at + 1] = 0;
    for (let i = 1; i < field.length; i++) bytes[this.#at + i] = field[i] as number;
    const from = Math.max(field.length, 2);
    if (total > from) bytes.fill(0xff, this.#at + from, this.#at + total);
    this.#at += total;
  }

  #header(pid: number, isStart: boolean, control: number): void {
    const bytes = this.#bytes;
    bytes[this.#at] = 0x47;
    bytes[this.#at + 1] = (isStart ? 0x40 : 0) | (pid >> 8);
    bytes[this.#at + 2] = pid & 0xff;
    bytes[this.#at + 3] = control;
    this.#at += headerBytes;
  }
}

/** Reads through parts as if they were one. */
class PartReader {
  readonly #parts: readonly Uint8Array[];
  #index = 0;
  #offset = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
  }

  read(into: Uint8Array, at: number, count: number): void {
    for (let done = 0; done < count;) {
      const part = this.#parts[this.#index] as Uint8Array;
      const here = Math.min(count - done, part.length - this.#offset);
      into.set(part.subarray(this.#offset, this.#offset + here), at + done);
      done += here;
      this.#offset += here;
      if (this.#offset < part.length) continue;
      this.#index += 1;
      this.#offset = 0;
    }
  }
}
