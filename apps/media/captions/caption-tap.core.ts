import { CaptionDecoder, captionPairs, type ChannelCues, type NalCodec } from '#core/captions';
import { FlvError, parseAvcConfig, parseHevcConfig, readVideoHeader, tagType, videoPayload, type FlvTag } from '#core/flv';

/** Cues that are kept behind what was asked for last, ms: a run that begins anew makes the last segments again. */
const keptMs = 120_000;
/** Codecs whose access units carry captions in messages of their own. */
const codecs: Readonly<Record<string, { readonly nal: NalCodec; readonly parse: (config: Uint8Array) => { readonly nalLengthBytes: number } }>> = {
  avc: { nal: 'avc', parse: parseAvcConfig },
  hvc1: { nal: 'hevc', parse: parseHevcConfig },
};

/** The captions within a publisher's picture, as they arrive with it, whatever is made of the picture. Pure. */
export class CaptionTap {
  readonly #decoder = new CaptionDecoder();
  #nalLengthBytes = 4;
  /** A relay begins each connection with media that it has sent before. */
  #heardMs = -1;

  hear(tags: readonly FlvTag[]): void {
    for (const tag of tags) if (tag.type === tagType.video) this.#hear(tag);
  }

  /** What each channel showed, by the session's time, ms; all media from before `untilMs` must have been heard. */
  between(fromMs: number, untilMs: number): readonly ChannelCues[] {
    const channels = this.#decoder.between(fromMs, untilMs);
    this.#decoder.forgetBefore(fromMs - keptMs);
    return channels;
  }

  #hear({ timestampMs, body }: FlvTag): void {
    const { codec, kind } = readVideoHeader(body);
    const known = codecs[codec];
    if (known === undefined) return;
    const { start, compositionMs } = videoPayload(body);
    if (kind === 'sequence-header') this.#configure(known.parse, body.subarray(start));
    if (kind !== 'frames' || timestampMs <= this.#heardMs) return;
    this.#heardMs = timestampMs;
    const pairs = captionPairs(body.subarray(start), known.nal, this.#nalLengthBytes);
    this.#decoder.push({ decodeMs: timestampMs, presentationMs: timestampMs + compositionMs, pairs });
  }

  /** A configuration that cannot be read makes no rendition either. */
  #configure(parse: (config: Uint8Array) => { readonly nalLengthBytes: number }, config: Uint8Array): void {
    try {
      this.#nalLengthBytes = parse(config).nalLengthBytes;
    } catch (error) {
      if (!(error instanceof FlvError)) throw error;
    }
  }
}
