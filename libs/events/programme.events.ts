import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, cid, count, id, millis, text, withoutNul } from './fields.ts';

const sampleStream = 'st-7f3k2m9q';
const sampleCid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** Bytes of an SCTE 35 splice section as hex, as EXT-X-DATERANGE has them. */
const hex = z
  .string()
  .regex(/^0x([0-9A-F]{2})+$/)
  .max(1026);
/** Names of a client's own attributes (RFC 8216bis section 4.4.5.1): upper case, without the `X-` in front. */
const attributeName = z.string().regex(/^[A-Z0-9-]{1,64}$/);

/** What a quoted string can hold (section 4.2). */
// oxlint-disable-next-line no-control-regex -- a control character is what it looks for
const attributeValue = /^[^"\r\n\u0000]*$/;

export const streamMarked = defineEvent({
  type: 'stream.marked',
  version: 1,
  context: 'stream',
  meaning: 'A stretch of a stream was given a meaning, such as a break for advertisements; players are told by EXT-X-DATERANGE.',
  schema: z.object({
    streamId: id,
    markerId: id,
    /** A name that tells markers of one kind from others. */
    class: z.string().max(128).regex(withoutNul).nullable(),
    /** Wall clock of the beginning, ms since the Unix epoch. */
    startMs: millis,
    /** Null while nobody knows; the newest word about a marker counts. */
    durationMs: millis.nullable(),
    plannedDurationMs: millis.nullable(),
    /** It ends where the next one of its class begins. */
    endsOnNext: z.boolean(),
    scte35Cmd: hex.nullable(),
    scte35Out: hex.nullable(),
    scte35In: hex.nullable(),
    /** Of a client's own. A number is told as it is written here, everything else in quotes. */
    attributes: z.array(z.object({ name: attributeName, value: z.string().max(512).regex(attributeValue), isNumber: z.boolean() })).max(32),
    /** Who said so: somebody by the API, or the publisher's encoder by a cue point. */
    origin: z.enum(['api', 'publisher']),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/marker/${data.markerId}`,
  samples: [
    {
      streamId: sampleStream,
      markerId: 'break-1',
      class: 'ad-break',
      startMs: 1790000020000,
      durationMs: null,
      plannedDurationMs: 30_000,
      endsOnNext: false,
      scte35Cmd: null,
      scte35Out: '0xFC002F0000000000FF000014056FFFFFF000E011622DCAFF000052636200000000000A0008029896F50000008700000000',
      scte35In: null,
      attributes: [{ name: 'TITLE', value: 'Break', isNumber: false }],
      origin: 'api',
    },
  ],
});

const clip = { streamId: id, clipId: id };

export const clipRequested = defineEvent({
  type: 'clip.requested',
  version: 1,
  context: 'stream',
  meaning: 'Somebody asked for a piece of a stream as a file of its own.',
  schema: z.object({
    ...clip,
    name: z.string().min(1).max(200).regex(withoutNul),
    /** Wall clock of the piece that was asked for, ms since the Unix epoch. */
    fromMs: millis,
    untilMs: millis,
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/clip/${data.clipId}`,
  samples: [{ streamId: sampleStream, clipId: 'cl-4k7m2q9x', name: 'The goal', fromMs: 1790000020000, untilMs: 1790000050000 }],
});

const made = { ...clip, /** Of the effect that made it: 0, and one more whenever somebody asked for it again. */ round: count };

export const clipFinished = defineEvent({
  type: 'clip.finished',
  version: 2,
  context: 'stream',
  meaning: 'A piece of a stream was made into one file, cut at key frames and not encoded anew.',
  schema: z.object({
    ...made,
    mp4Cid: cid,
    mp4Bytes: bytes,
    posterCid: cid.nullable(),
    posterBytes: bytes,
    durationMs: millis,
    /** What it really shows: from the key frame at or before what was asked for to the end of the segment that has its end. */
    fromMs: millis,
    untilMs: millis,
    width: count,
    height: count,
    renditions: z.array(id).max(16),
    /** Media sequence numbers, both included. */
    firstSegment: count,
    lastSegment: count,
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/clip/${data.clipId}/made`,
  // Version 2 has room for all sounds of a stream.
  upcasters: [(data) => data],
  samples: [
    {
      streamId: sampleStream,
      clipId: 'cl-4k7m2q9x',
      round: 0,
      mp4Cid: sampleCid,
      mp4Bytes: 9_000_000,
      posterCid: sampleCid,
      posterBytes: 40_000,
      durationMs: 32_000,
      fromMs: 1790000019000,
      untilMs: 1790000051000,
      width: 1280,
      height: 720,
      renditions: ['720p', 'audio'],
      firstSegment: 9,
      lastSegment: 24,
    },
    {
      streamId: sampleStream,
      clipId: 'cl-4k7m2q9x',
      round: 0,
      mp4Cid: sampleCid,
      mp4Bytes: 9_000_000,
      posterCid: sampleCid,
      posterBytes: 40_000,
      durationMs: 32_000,
      fromMs: 1790000019000,
      untilMs: 1790000051000,
      width: 1280,
      height: 720,
      renditions: ['720p', 'audio', 'audio-1', 'audio-2', 'audio-3'],
      firstSegment: 9,
      lastSegment: 24,
    },
  ],
});

export const clipFailed = defineEvent({
  type: 'clip.failed',
  version: 1,
  context: 'stream',
  meaning: 'A piece of a stream could not be made into a file.',
  schema: z.object({ ...made, reason: z.enum(['no-segments', 'too-large', 'tries-used-up']), detail: text }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/clip/${data.clipId}/made`,
  samples: [{ streamId: sampleStream, clipId: 'cl-4k7m2q9x', round: 0, reason: 'no-segments', detail: 'Nothing is stored of that time.' }],
});

export type ProgrammeEventDefinition = typeof streamMarked | typeof clipRequested | typeof clipFinished | typeof clipFailed;
