import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, cid, count, epoch, id, millis } from './fields.ts';

const sampleStream = 'st-7f3k2m9q';
const sampleSession = '01926f4e-7d3a-7000-8000-000000000001';
const sampleCid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** How a rendition's media is coded, as its initialisation segment says. */
const trackSchema = z.object({
  /** Ticks per second of the media's times. */
  timescale: z.number().int().positive(),
  /** RFC 6381 codec string of what was really encoded. */
  codecs: z.string().max(64),
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  sampleRate: z.number().int().positive().optional(),
  channels: z.number().int().positive().optional(),
});

/** A key frame that can be read by itself: the movie fragment that begins with it, up to the frame's end. */
const keyFrameSchema = z.object({
  /** Where the fragment begins in the segment, bytes. */
  offset: bytes,
  sizeBytes: z.number().int().positive(),
  /** On the stream's own timeline, ticks. */
  startTicks: count,
});

/** Key frames that one segment tells of; 10 s with two a second are a third of it. */
export const keyFramesMax = 64;

/** Channels of a stream's captions: four of CEA-608, six services of CEA-708. */
const captionChannelsMax = 10;

const captionsSchema = z.object({ channel: z.string().regex(/^(cc[1-4]|service[1-6])$/), cid, sizeBytes: bytes });

export const segmentProduced = defineEvent({
  type: 'segment.produced',
  version: 3,
  context: 'stream',
  meaning: 'A media segment of one rendition was stored and can be played.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    rendition: id,
    /** Fencing epoch of the packager's lease. */
    epoch,
    /** EXT-X-MEDIA-SEQUENCE number, the same for the same time in every rendition; never goes back. */
    mediaSequence: count,
    cid,
    sizeBytes: bytes,
    initCid: cid,
    initSizeBytes: bytes,
    /** Sum of the real sample durations, microseconds. */
    durationUs: z.number().int().positive(),
    /** Start on the stream's own timeline (continuous over sessions), microseconds. */
    startUs: z.number().int().nonnegative(),
    /** Wall clock of the first sample, ms since the Unix epoch: EXT-X-PROGRAM-DATE-TIME. */
    programDateTimeMs: millis,
    /** True when timestamps or parameters do not continue those of the segment before. */
    discontinuity: z.boolean(),
    /** Version 1 did not say what follows. */
    track: trackSchema.optional(),
    /** `startUs` and `durationUs` to the tick of the track. */
    startTicks: count.optional(),
    durationTicks: z.number().int().positive().optional(),
    /** Of video: what an I-frame playlist names, in order. */
    keyFrames: z.array(keyFrameSchema).max(keyFramesMax).optional(),
    /** Of video: captions that the publisher sends within the picture, as WebVTT beside the segment; from the first that a session brings. */
    captions: z.array(captionsSchema).max(captionChannelsMax).optional(),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/${data.rendition}`,
  // Version 2 says how media is coded, version 3 where captions are.
  upcasters: [(data) => data, (data) => data],
  samples: [
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      rendition: '720p',
      epoch: 1,
      mediaSequence: 0,
      cid: sampleCid,
      sizeBytes: 640000,
      initCid: sampleCid,
      initSizeBytes: 800,
      durationUs: 2000000,
      startUs: 0,
      programDateTimeMs: 1790000000000,
      discontinuity: false,
    },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      rendition: '720p',
      epoch: 1,
      mediaSequence: 1,
      cid: sampleCid,
      sizeBytes: 640000,
      initCid: sampleCid,
      initSizeBytes: 800,
      durationUs: 2000000,
      startUs: 2000000,
      programDateTimeMs: 1790000002000,
      discontinuity: false,
      track: { timescale: 90000, codecs: 'avc1.64001f', width: 1280, height: 720 },
      startTicks: 180000,
      durationTicks: 180000,
      keyFrames: [{ offset: 0, sizeBytes: 42000, startTicks: 180000 }],
    },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      rendition: '720p',
      epoch: 1,
      mediaSequence: 1,
      cid: sampleCid,
      sizeBytes: 640000,
      initCid: sampleCid,
      initSizeBytes: 800,
      durationUs: 2000000,
      startUs: 2000000,
      programDateTimeMs: 1790000002000,
      discontinuity: false,
      track: { timescale: 90000, codecs: 'avc1.64001f', width: 1280, height: 720 },
      startTicks: 180000,
      durationTicks: 180000,
      keyFrames: [{ offset: 0, sizeBytes: 42000, startTicks: 180000 }],
      captions: [{ channel: 'cc1', cid: sampleCid, sizeBytes: 210 }],
    },
  ],
});

export type SegmentEventDefinition = typeof segmentProduced;
