import { encodeFlvHeader, encodeTag, readVideoHeader, tagType, videoPayload, type FlvTag } from '#core/flv';
import { captionUnit, LineWriter, type Pair } from './caption-writer.ts';

/** Words that are sent from the picture of that time on. */
export interface CaptionScript {
  readonly atMs: number;
  readonly pairs: readonly Pair[];
}

const isFrames = ({ type, body }: FlvTag): boolean => type === tagType.video && readVideoHeader(body).kind === 'frames';
const shownMs = ({ timestampMs, body }: FlvTag): number => timestampMs + videoPayload(body).compositionMs;

/** The same pictures with captions in them, as an encoder puts them there: before each a message with a pair of each field, in the order of showing. */
export function captioned(tags: readonly FlvTag[], scripts: readonly CaptionScript[], codec: 'avc' | 'hevc' = 'avc'): readonly FlvTag[] {
  const fields: ReadonlyArray<Pair[]> = [[], []];
  const waiting = [...scripts];
  const units = new Map<FlvTag, Uint8Array>();
  for (const frame of tags.filter(isFrames).toSorted((a, b) => shownMs(a) - shownMs(b))) {
    while (waiting[0] !== undefined && waiting[0].atMs <= shownMs(frame)) for (const pair of waiting.shift()?.pairs ?? []) fields[pair[0]]?.push(pair);
    // What says nothing is sent all the time.
    units.set(
      frame,
      captionUnit(
        fields.map((field, kind) => field.shift() ?? ([kind, 0x80, 0x80] as const)),
        codec,
      ),
    );
  }
  return tags.map((tag) => {
    const unit = units.get(tag);
    if (unit === undefined) return tag;
    const { start } = videoPayload(tag.body);
    return { ...tag, body: Uint8Array.from([...tag.body.subarray(0, start), ...unit, ...tag.body.subarray(start)]) };
  });
}

/** A sentence each two seconds: pop-on in the first channel, roll-up in the third. */
export function spokenEvery2s(seconds: number): readonly CaptionScript[] {
  return Array.from({ length: Math.floor(seconds / 2) }, (_, n) => [
    { atMs: n * 2000, pairs: new LineWriter(1).popOn(`Sentence ${n}`).pairs },
    { atMs: n * 2000, pairs: new LineWriter(3).rollUp(`Frase ${n}`).pairs },
  ]).flat();
}

export function flvFile(tags: readonly FlvTag[]): Uint8Array {
  return Buffer.concat([encodeFlvHeader({ audio: true, video: true }), ...tags.map((tag) => encodeTag(tag))]);
}
