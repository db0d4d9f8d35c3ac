import { FlvError } from './errors.ts';
import { tagHeaderBytes, tagTrailerBytes, tagType, type FlvTag, type TagType } from './flv-tag.codec.ts';

const fileHeaderBytes = 9;
const prefixBytes = tagTrailerBytes + tagHeaderBytes;

export interface FlvReaderInit {
  /** Greatest body that a tag may have; the reader never holds more than one body. */
  readonly tagBytesMax?: number;
  /** The bytes that are pushed never change: bodies that lie in one piece are views of them, and nothing is copied. */
  readonly keepsBytes?: boolean;
}

type Stage = 'file-header' | 'tag-header' | 'body';

/** Reads FLV as it arrives, in pieces of any size. Holds at most one tag. */
export class FlvReader {
  readonly #tagBytesMax: number;
  readonly #keepsBytes: boolean;
  readonly #header = new Uint8Array(prefixBytes);
  #stage: Stage = 'file-header';
  #target: Uint8Array = this.#header;
  #filled = 0;
  #wanted = fileHeaderBytes;

  constructor(init: FlvReaderInit = {}) {
    this.#tagBytesMax = init.tagBytesMax ?? 4 * 1024 * 1024;
    this.#keepsBytes = init.keepsBytes ?? false;
  }

  /**
   * Takes the next bytes and returns the tags that they complete; bodies are copies, unless the bytes are kept.
   * @throws FlvError `FLV_INVALID` or `FLV_TAG_TOO_LARGE`; the reader is of no use afterwards.
   */
  push(bytes: Uint8Array): FlvTag[] {
    const tags: FlvTag[] = [];
    let at = 0;
    for (;;) {
      if (this.#stage === 'body' && this.#filled === 0) {
        if (this.#keepsBytes && bytes.length - at >= this.#wanted) {
          this.#target = bytes.subarray(at, at + this.#wanted);
          at += this.#wanted;
          tags.push(this.#readBody());
          continue;
        }
        this.#target = new Uint8Array(this.#wanted);
      }
      const count = Math.min(this.#wanted - this.#filled, bytes.length - at);
      this.#target.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#wanted) return tags;
      const tag = this.#complete();
      if (tag !== undefined) tags.push(tag);
    }
  }

  #complete(): FlvTag | undefined {
    if (this.#stage === 'file-header') return this.#readFileHeader();
    if (this.#stage === 'tag-header') return this.#readTagHeader();
    return this.#readBody();
  }

  #readFileHeader(): undefined {
    const [f, l, v, version] = this.#header;
    if (f !== 0x46 || l !== 0x4c || v !== 0x56 || version !== 1) throw new FlvError('FLV_INVALID', 'The bytes are not FLV version 1.');
    if (this.#header[8] !== fileHeaderBytes) throw new FlvError('FLV_INVALID', 'The FLV header has an unknown size.');
    this.#expect('tag-header', this.#header, prefixBytes);
  }

  #readTagHeader(): FlvTag | undefined {
    const size = this.#uint24(tagTrailerBytes + 1);
    const type = this.#type();
    if (type !== tagType.audio && type !== tagType.video && type !== tagType.script) throw new FlvError('FLV_INVALID', `FLV has no tag type ${type}.`);
    if (size > this.#tagBytesMax) throw new FlvError('FLV_TAG_TOO_LARGE', `A tag of ${size} bytes is over the limit of ${this.#tagBytesMax}.`);
    this.#expect('body', this.#header, size);
    return undefined;
  }

  #readBody(): FlvTag {
    const timestampMs = this.#uint24(tagTrailerBytes + 4) + (this.#header[tagTrailerBytes + 7] as number) * 0x1000000;
    const tag: FlvTag = { type: this.#type() as TagType, timestampMs, body: this.#target };
    this.#expect('tag-header', this.#header, prefixBytes);
    return tag;
  }

  /** Bit 5 marks encrypted tags and bits 6-7 are reserved (E.4.1): such a tag is refused as an unknown type. */
  #type(): number {
    return this.#header[tagTrailerBytes] as number;
  }

  #uint24(at: number): number {
    const header = this.#header;
    return ((header[at] as number) << 16) | ((header[at + 1] as number) << 8) | (header[at + 2] as number);
  }

  #expect(stage: Stage, target: Uint8Array, wanted: number): void {
    this.#stage = stage;
    this.#target = target;
    this.#wanted = wanted;
    this.#filled = 0;
  }
}
