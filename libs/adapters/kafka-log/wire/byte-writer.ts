/** Names kept in their encoded form. */
const rememberedMax = 1024;

/** A growing buffer with the primitives of Kafka's record format (variable-length integers in zigzag, UTF-8 texts). */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;
  readonly #remembered = new Map<string, Buffer>();

  constructor(capacity = 65_536) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** What was written, until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A number of up to 53 bits, zigzag, seven bits a byte. */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value >= 0 ? value * 2 : -value * 2 - 1;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** The length in bytes, then the text in UTF-8. */
  text(value: string): void {
    const count = Buffer.byteLength(value);
    this.varint(count);
    this.#reserve(count);
    this.#length += this.#bytes.write(value, this.#length, 'utf8');
  }

  /** As {@link text}, for the few texts that stand in every record. */
  name(value: string): void {
    const known = this.#remembered.get(value);
    if (known !== undefined) return this.bytes(known);
    const start = this.#length;
    this.text(value);
    if (this.#remembered.size < rememberedMax) this.#remembered.set(value, Buffer.from(this.#bytes.subarray(start, this.#length)));
  }
}
