import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, cid, count, epoch, id, millis, text } from './fields.ts';

const sampled = { streamId: 'st-7f3k2m9q', sessionId: '01926f4e-7d3a-7000-8000-000000000001', epoch: 1 };

/** Whose observation it is: of one publisher's session, by the packager that holds the stream under this epoch. */
const observed = { streamId: id, sessionId: id, epoch };

export const thumbnailsProduced = defineEvent({
  type: 'thumbnails.produced',
  version: 1,
  context: 'stream',
  meaning: 'Small pictures of a stretch of a stream were stored side by side in one image, for scrubbing.',
  schema: z.object({
    ...observed,
    /** Of the first segment that is pictured. */
    mediaSequence: count,
    cid,
    sizeBytes: bytes,
    /** The stretch on the stream's own timeline, microseconds: each picture stands for an equal part of it. */
    startUs: count,
    durationUs: z.number().int().positive(),
    /** Wall clock of its beginning, ms since the Unix epoch. */
    programDateTimeMs: millis,
    columns: z.number().int().min(1).max(64),
    rows: z.number().int().min(1).max(64),
    /** Of one picture, pixels. */
    width: z.number().int().positive(),
    height: z.number().int().positive(),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/thumbnails`,
  samples: [
    {
      ...sampled,
      mediaSequence: 10,
      cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      sizeBytes: 41000,
      startUs: 20_000_000,
      durationUs: 10_000_000,
      programDateTimeMs: 1790000020000,
      columns: 5,
      rows: 1,
      width: 256,
      height: 144,
    },
  ],
});

const bitrate = count;

export const streamMeasured = defineEvent({
  type: 'stream.measured',
  version: 1,
  context: 'stream',
  meaning: 'What a publisher sent over the last seconds, and how its packager kept up with it.',
  schema: z.object({
    ...observed,
    node: id,
    /** What it was measured over, ms. */
    windowMs: z.number().int().positive(),
    /** What arrived; bits and frames per second. */
    input: z.object({
      videoBitrate: bitrate,
      audioBitrate: bitrate,
      frameRate: z.number().nonnegative(),
      /** Between the last two key frames, ms and frames; null before the second. */
      keyFrameIntervalMs: millis.nullable(),
      keyFrameIntervalFrames: count.nullable(),
      /** Frames that are shown later than others that came after them. */
      reordersFrames: z.boolean(),
      /** By how much sound ran ahead of the picture as it arrived, ms; negative when it came later; null without both. */
      soundAheadMs: z.number().int().nullable(),
    }),
    /** From the newest media that arrived to the newest that is stored, ms. */
    behindMs: millis,
    /** Of the encoder, as a multiple of real time; null where none runs or it has not said yet. */
    encoderSpeed: z.number().nonnegative().nullable(),
    /** Of the newest pictures: mean brightness and change from one to the next, 0 to 1; null where none were looked at. */
    picture: z.object({ brightness: z.number().min(0).max(1), change: z.number().min(0).max(1).nullable() }).nullable(),
    /** Of the newest sound: mean and greatest level, dB below full scale; null where none was listened to. */
    sound: z.object({ levelDb: z.number().max(0), peakDb: z.number().max(0) }).nullable(),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/measured`,
  samples: [
    {
      ...sampled,
      node: 'media-1',
      windowMs: 10_000,
      input: {
        videoBitrate: 4_500_000,
        audioBitrate: 128_000,
        frameRate: 30,
        keyFrameIntervalMs: 2000,
        keyFrameIntervalFrames: 60,
        reordersFrames: false,
        soundAheadMs: 12,
      },
      behindMs: 2300,
      encoderSpeed: 1,
      picture: { brightness: 0.41, change: 0.02 },
      sound: { levelDb: -23.4, peakDb: -6.1 },
    },
  ],
});

/** What can be wrong with what a publisher sends, or with how it is kept up with. */
export const alertKinds = ['long-gop', 'reordered-frames', 'bitrate-collapse', 'silence', 'black', 'frozen', 'behind'] as const;

export const streamAlertRaised = defineEvent({
  type: 'stream.alert-raised',
  version: 1,
  context: 'stream',
  meaning: 'Something has been wrong with what a stream sends for long enough that somebody should look.',
  schema: z.object({ ...observed, alert: z.enum(alertKinds), /** Since when, ms since the Unix epoch. */ sinceMs: millis, detail: text }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/alert/${data.alert}`,
  samples: [{ ...sampled, alert: 'silence', sinceMs: 1790000020000, detail: 'There has been no sound for 10 s.' }],
});

export const streamAlertCleared = defineEvent({
  type: 'stream.alert-cleared',
  version: 1,
  context: 'stream',
  meaning: 'What was wrong with a stream is over, or its session is.',
  schema: z.object({ ...observed, alert: z.enum(alertKinds), reason: z.enum(['over', 'session-ended']), /** How long it had been wrong. */ lastedMs: millis }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/alert/${data.alert}`,
  samples: [{ ...sampled, alert: 'silence', reason: 'over', lastedMs: 42_000 }],
});

export type ObservationEventDefinition = typeof thumbnailsProduced | typeof streamMeasured | typeof streamAlertRaised | typeof streamAlertCleared;
