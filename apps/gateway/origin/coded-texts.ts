import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, brotliCompressSync, constants, gzip, gzipSync, zstdCompress, zstdCompressSync } from 'node:zlib';
import { codingFor, type ContentCoding } from '../http/content-coding.core.ts';

/** A text as one client gets it. */
export interface CodedText {
  /** One character for each byte, as `latin1` has them. */
  readonly body: string;
  /**
   * RFC 9110 section 8.8.3: the text itself has a strong tag. Compressed it is the same under a weak one, for two gateways may compress
   * alike and not to the same bytes.
   */
  readonly tag: string;
  /** Undefined for the text itself. */
  readonly coding: ContentCoding | undefined;
}

/** What is said of every text that may be compressed, whether it is or not: caches keep one for each coding. */
export const vary = 'Accept-Encoding';

/** Below it the frame of a compressed text, and the field that tells of it, are most of what is saved. */
const bytesMin = 256;
/** Up to so many it takes less than half a millisecond; more is compressed beside the event loop. */
const syncBytesMax = 65_536;
/** Spellings of Accept-Encoding: there are as many as browsers and versions of libraries. */
const fieldsMax = 64;

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } };
const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

/** Levels that are worth their time for a text that lives for a second. Measured: 1 MB of playlist in 2.4, 8.1 and 8.3 ms. */
const coders: Readonly<Record<ContentCoding, { readonly now: (text: Buffer) => Buffer; readonly soon: (text: Buffer) => Promise<Buffer> }>> = {
  zstd: { now: (text) => zstdCompressSync(text, zstd), soon: (text) => promisify(zstdCompress)(text, zstd) },
  br: { now: (text) => brotliCompressSync(text, brotli), soon: (text) => promisify(brotliCompress)(text, brotli) },
  gzip: { now: (text) => gzipSync(text), soon: (text) => promisify(gzip)(text) },
};

interface Codings {
  readonly plain: CodedText;
  readonly compressed: Map<ContentCoding, CodedText | Promise<CodedText>>;
}

export function tagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/** Texts in the codings that clients take, each made once however many ask for it. */
export class CodedTexts {
  readonly #codings = new WeakMap<object, Codings>();
  /** By the field: thousands of players spell it alike. */
  readonly #known = new Map<string, ContentCoding | undefined>();

  /**
   * @param of what was rendered: whoever is given the same gets the same answer, for as long as somebody holds it
   * @returns at once, unless a large text is compressed for the first time
   */
  of(of: { readonly text: string }, acceptEncoding: string | undefined): CodedText | Promise<CodedText> {
    const { text } = of;
    let codings = this.#codings.get(of);
    if (codings === undefined) {
      // Titles of markers are in any script; what is written has one character for each byte.
      const bytes = Buffer.from(text);
      codings = { plain: { body: bytes.toString('latin1'), tag: tagOf(text), coding: undefined }, compressed: new Map() };
      this.#codings.set(of, codings);
    }
    const coding = codings.plain.body.length < bytesMin ? undefined : this.#codingFor(acceptEncoding);
    if (coding === undefined) return codings.plain;
    return codings.compressed.get(coding) ?? compressed(codings, coding);
  }

  #codingFor(field: string | undefined): ContentCoding | undefined {
    if (field === undefined) return undefined;
    if (this.#known.has(field)) return this.#known.get(field);
    const coding = codingFor(field);
    if (this.#known.size < fieldsMax && field.length < 200) this.#known.set(field, coding);
    return coding;
  }
}

function compressed({ plain, compressed: all }: Codings, coding: ContentCoding): CodedText | Promise<CodedText> {
  const bytes = Buffer.from(plain.body, 'latin1');
  const kept = (made: Buffer): CodedText => {
    const text = { body: made.toString('latin1'), tag: `W/${plain.tag}`, coding };
    all.set(coding, text);
    return text;
  };
  if (bytes.length <= syncBytesMax) return kept(coders[coding].now(bytes));
  const soon = coders[coding].soon(bytes).then(kept);
  all.set(coding, soon);
  return soon;
}

/** Names and values of what is particular to it. */
export function codedFields({ coding, tag }: CodedText): Readonly<Record<string, string>> {
  return { etag: tag, vary, ...(coding !== undefined && { 'content-encoding': coding }) };
}
