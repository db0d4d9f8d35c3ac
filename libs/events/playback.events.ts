import { z } from 'zod';
import { viewerSubject } from './data-subjects.ts';
import { defineEvent } from './define.ts';
import { count, id, millis, text } from './fields.ts';
import { personal, personalIdentifier } from './personal.ts';

/** What is watched, by whom. */
const playback = {
  /** One viewer's one playback; names nobody. */
  sessionId: id,
  assetKind: z.enum(['stream', 'content']),
  /** A stream's or content's id. */
  assetId: id,
};

/** Counters of a session since it started; they only grow. */
const counters = {
  /** Media time shown. */
  playedMs: millis,
  stalls: count,
  stalledMs: millis,
};

const sample = { sessionId: 'ps-01926f4e7d3a', assetKind: 'stream', assetId: 'st-7f3k2m9q' };

export const playbackStarted = defineEvent({
  type: 'playback.started',
  version: 2,
  context: 'playback',
  publishers: 'anyone',
  meaning: 'A player showed its first picture to a viewer.',
  schema: z.strictObject({
    ...playback,
    /** From the viewer's wish to the first picture. */
    startupMs: millis,
    rendition: id.optional(),
    /** Name and version of the player. */
    player: personal(text).optional(),
    /** Who watches, as the publisher knows them; left out, the playback names nobody. */
    viewer: personalIdentifier(id).optional(),
  }),
  key: (data) => data.sessionId,
  dataSubject: (data) => viewerSubject(data.viewer),
  // Version 1 knew no viewers.
  upcasters: [(data) => data],
  samples: [
    { ...sample, startupMs: 840, rendition: '720p', player: 'hls.js 1.7.4' },
    { ...sample, startupMs: 840, rendition: '720p', player: 'hls.js 1.7.4', viewer: 'v-4711' },
  ],
});

export const playbackReported = defineEvent({
  type: 'playback.reported',
  version: 1,
  context: 'playback',
  publishers: 'anyone',
  meaning: 'A player reported how a playback goes on.',
  schema: z.strictObject({
    ...playback,
    ...counters,
    /** What it plays at the moment. */
    rendition: id,
    /** Measured network throughput, bits per second. */
    throughput: count.optional(),
  }),
  key: (data) => data.sessionId,
  samples: [{ ...sample, playedMs: 60000, stalls: 1, stalledMs: 700, rendition: '720p', throughput: 5400000 }],
});

export const playbackEnded = defineEvent({
  type: 'playback.ended',
  version: 1,
  context: 'playback',
  publishers: 'anyone',
  meaning: 'A playback ended, and how.',
  schema: z.strictObject({ ...playback, ...counters, reason: z.enum(['finished', 'left', 'failed']), detail: text.optional() }),
  key: (data) => data.sessionId,
  samples: [{ ...sample, playedMs: 125000, stalls: 1, stalledMs: 700, reason: 'left' }],
});

export type PlaybackEventDefinition = typeof playbackStarted | typeof playbackReported | typeof playbackEnded;
