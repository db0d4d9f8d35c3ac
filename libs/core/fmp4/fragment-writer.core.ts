import { assert } from '#kernel';
import { viewOf } from './box.core.ts';
import type { Fragment, Sample } from './fragment.core.ts';

export interface FragmentWriterInput extends Fragment {
  /** Grows within a rendition (ISO/IEC 14496-12 section 8.8.5); taken modulo 2^32. */
  readonly sequence: number;
  readonly trackId: number;
}

/** What a run says once instead of per sample. */
interface RunShape {
  /** Defined when all samples last the same. */
  readonly duration: number | undefined;
  /** Defined when all samples but perhaps the first have the same flags. */
  readonly flags: number | undefined;
  readonly hasOffsets: boolean;
  readonly bytesPerSample: number;
}

function shapeOf(samples: readonly Sample[]): RunShape {
  const first = samples[0] as Sample;
  const second = samples[1] ?? first;
  const duration = samples.every((sample) => sample.duration === first.duration) ? first.duration : undefined;
  const flags = samples.every((sample, index) => index === 0 || sample.flags === second.flags) ? second.flags : undefined;
  const hasOffsets = samples.some((sample) => sample.compositionOffset !== 0);
  const fields = 1 + (duration === undefined ? 1 : 0) + (flags === undefined ? 1 : 0) + (hasOffsets ? 1 : 0);
  return { duration, flags, hasOffsets, bytesPerSample: 4 * fields };
}

/**
 * Writes samples as one moof + mdat (ISO/IEC 14496-12 section 8.8), as CMAF wants it: one run, data offsets from the
 * moof (`default-base-is-moof`), a 64-bit decode time.
 */
export function writeFragment(input: FragmentWriterInput): Uint8Array {
  assert(input.samples.length > 0, 'a fragment has samples');
  assert(Number.isSafeInteger(input.baseDecodeTime) && input.baseDecodeTime >= 0, 'a decode time is a count of ticks');
  const shape = shapeOf(input.samples);
  const tfhdBytes = 16 + (shape.duration === undefined ? 0 : 4) + (shape.flags === undefined ? 0 : 4);
  const trunBytes = 20 + (shape.flags === undefined ? 0 : 4) + input.samples.length * shape.bytesPerSample;
  const trafBytes = 8 + tfhdBytes + 20 + trunBytes;
  const moofBytes = 8 + 16 + trafBytes;
  const dataBytes = input.samples.reduce((sum, { data }) => sum + data.length, 0);
  const writer = new BoxWriter(new Uint8Array(moofBytes + 8 + dataBytes));
  writer.box(moofBytes, 'moof');
  writer
    .box(16, 'mfhd')
    .uint32(0)
    .uint32(input.sequence >>> 0);
  writer.box(trafBytes, 'traf');
  writeTrackHeader(writer, tfhdBytes, input.trackId, shape);
  writer.box(20, 'tfdt').uint32(0x0100_0000).uint64(input.baseDecodeTime);
  writeRun(writer, trunBytes, input.samples, shape, moofBytes + 8);
  writer.box(8 + dataBytes, 'mdat');
  for (const { data } of input.samples) writer.bytes(data);
  return writer.done();
}

function writeTrackHeader(writer: BoxWriter, size: number, trackId: number, { duration, flags }: RunShape): void {
  const present = 0x02_0000 | (duration === undefined ? 0 : 0x08) | (flags === undefined ? 0 : 0x20);
  writer.box(size, 'tfhd').uint32(present).uint32(trackId);
  if (duration !== undefined) writer.uint32(duration);
  if (flags !== undefined) writer.uint32(flags);
}

function writeRun(writer: BoxWriter, size: number, samples: readonly Sample[], shape: RunShape, dataOffset: number): void {
  const { duration, flags, hasOffsets } = shape;
  const present = 0x201 | (flags === undefined ? 0x400 : 0x04) | (duration === undefined ? 0x100 : 0) | (hasOffsets ? 0x800 : 0);
  // Version 1: composition offsets are signed.
  writer
    .box(size, 'trun')
    .uint32(0x0100_0000 | present)
    .uint32(samples.length)
    .uint32(dataOffset);
  if (flags !== undefined) writer.uint32((samples[0] as Sample).flags);
  for (const sample of samples) {
    if (duration === undefined) writer.uint32(sample.duration);
    writer.uint32(sample.data.length);
    if (flags === undefined) writer.uint32(sample.flags);
    if (hasOffsets) writer.uint32(sample.compositionOffset >>> 0);
  }
}

class BoxWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  box(size: number, type: string): this {
    this.uint32(size);
    for (let index = 0; index < 4; index++) this.#bytes[this.#at++] = type.charCodeAt(index);
    return this;
  }

  uint32(value: number): this {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  uint64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value));
    this.#at += 8;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  done(): Uint8Array {
    assert(this.#at === this.#bytes.length, 'the sizes of the boxes add up');
    return this.#bytes;
  }
}
