import { z } from 'zod';
import { defineEvent } from './define.ts';
import { peerSubject } from './data-subjects.ts';
import { bytes, cid, count, epoch, id, millis, text, withoutNul } from './fields.ts';
import { personal } from './personal.ts';

/** One rung of a stream's ladder as it was asked for. */
export const rungSchema = z.object({
  name: id,
  height: z.number().int().min(16).max(4320),
  videoBitrate: z.number().int().positive(),
  /** The source itself is the rung where it can be. */
  passThrough: z.boolean().optional(),
  /** H.264 where it is not said. */
  codec: z.enum(['h264', 'hevc']).optional(),
});

/** RFC 5646 section 2.1, as far as its shape goes. */
const language = z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/);
/** What a sound is chosen by. */
const label = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^"\p{Cc}]*$/u);

const sampleStream = 'st-7f3k2m9q';
const sampleSession = '01926f4e-7d3a-7000-8000-000000000001';
/** An address as the log has it. */
const sampleSealed = 'sealed:v1:k7Qm2Zx0Rt4Yb8Nc1Vd5Ww:q3T9x0LmZ2A:hV0mQz7rXb2k9Lw4Tn1cYp6sDf3gJ8aE5uRi0oHvBxKyMqNtWz2e';
const sampleCid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** What streams of version 1 of `stream.created` have: viewers could go back by ten segments alone. */
const dvrWindowMsBefore = 60_000;

export const streamCreated = defineEvent({
  type: 'stream.created',
  version: 5,
  context: 'stream',
  meaning: 'A stream was created; its key is known only as a hash.',
  schema: z.object({
    streamId: id,
    name: z.string().min(1).max(200).regex(withoutNul),
    /** SHA-256 of the key's secret part, hex. */
    keyHash: z.string().regex(/^[0-9a-f]{64}$/),
    ladder: z.array(rungSchema).max(12),
    audioBitrate: z.number().int().positive(),
    segmentDurationMs: z.number().int().min(1000).max(10000),
    /** How long the stream outlives its publisher before it is stopped. */
    graceMs: millis,
    /** How far back viewers can go while the stream is live. */
    dvrWindowMs: z.number().int().min(60_000).max(14_400_000),
    /** Parts and blocking reloads; they are served where it is not said. */
    lowLatency: z.boolean().optional(),
    /** For those who know its id: in no list, and not made into a recording. */
    unlisted: z.boolean().optional(),
    /** What the publisher's tracks of sound are, where that was said; it goes before what the publisher says. */
    audioTracks: z
      .array(z.object({ track: z.number().int().min(0).max(7), language: language.optional(), label: label.optional() }))
      .max(8)
      .optional(),
  }),
  key: (data) => data.streamId,
  // Version 3 knows of rungs that the source stands for, version 4 of streams without low latency and out of lists, version 5 of languages.
  upcasters: [(data) => ({ ...(data as object), dvrWindowMs: dvrWindowMsBefore }), (data) => data, (data) => data, (data) => data],
  samples: [
    {
      streamId: sampleStream,
      name: 'Evening news',
      keyHash: 'a'.repeat(64),
      ladder: [{ name: '720p', height: 720, videoBitrate: 2500000 }],
      audioBitrate: 128000,
      segmentDurationMs: 2000,
      graceMs: 60000,
    },
    {
      streamId: sampleStream,
      name: 'Evening news',
      keyHash: 'a'.repeat(64),
      ladder: [{ name: '720p', height: 720, videoBitrate: 2500000 }],
      audioBitrate: 128000,
      segmentDurationMs: 2000,
      graceMs: 60000,
      dvrWindowMs: 3600000,
    },
    {
      streamId: sampleStream,
      name: 'Evening news',
      keyHash: 'a'.repeat(64),
      ladder: [{ name: 'source', height: 2160, videoBitrate: 8000000, passThrough: true }],
      audioBitrate: 128000,
      segmentDurationMs: 2000,
      graceMs: 60000,
      dvrWindowMs: 3600000,
    },
    {
      streamId: sampleStream,
      name: 'Evening news',
      keyHash: 'a'.repeat(64),
      ladder: [{ name: '720p', height: 720, videoBitrate: 2500000 }],
      audioBitrate: 128000,
      segmentDurationMs: 2000,
      graceMs: 60000,
      dvrWindowMs: 3600000,
      lowLatency: false,
      unlisted: true,
    },
    {
      streamId: sampleStream,
      name: 'Evening news',
      keyHash: 'a'.repeat(64),
      ladder: [{ name: '720p', height: 720, videoBitrate: 2500000 }],
      audioBitrate: 128000,
      segmentDurationMs: 2000,
      graceMs: 60000,
      dvrWindowMs: 3600000,
      audioTracks: [
        { track: 0, language: 'en', label: 'English' },
        { track: 1, language: 'de' },
      ],
    },
  ],
});

/** Where publishers of one stream send: two of them, so that one can take over from the other. */
export const endpoints = ['primary', 'backup'] as const;

export const streamStarted = defineEvent({
  type: 'stream.started',
  version: 2,
  context: 'stream',
  meaning: 'A publisher was admitted and holds the stream under a fencing epoch.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    epoch,
    endpoint: z.enum(endpoints),
    remoteAddress: personal(text),
    /** Ingest node that holds the session. */
    node: id,
    /** Where the packager fetches the session as FLV. */
    relayUrl: z.string().max(512),
  }),
  key: (data) => data.streamId,
  dataSubject: (data) => peerSubject(data.remoteAddress),
  // Version 1 had the address in clear.
  upcasters: [(data) => data],
  samples: [
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      endpoint: 'primary',
      remoteAddress: '127.0.0.1:50000',
      node: 'ingest-1',
      relayUrl: `http://127.0.0.1:8082/relay/${sampleStream}`,
    },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      endpoint: 'primary',
      remoteAddress: sampleSealed,
      node: 'ingest-1',
      relayUrl: `http://127.0.0.1:8082/relay/${sampleStream}`,
    },
  ],
});

const rejectReasons = [
  'unknown-app',
  'bad-key',
  'unknown-stream',
  'already-publishing',
  'stream-stopped',
  'unsupported-codec',
  'protocol-error',
  'busy',
  'tenant-suspended',
  'key-expired',
  'source-not-allowed',
  'limit-exceeded',
  'denied',
] as const;

export const streamPublishRejected = defineEvent({
  type: 'stream.publish-rejected',
  version: 4,
  context: 'stream',
  meaning: 'A publisher was refused, and why.',
  schema: z.object({
    /** The stream asked for; empty when the key names none. */
    streamId: z.string().max(128),
    reason: z.enum(rejectReasons),
    detail: text,
    remoteAddress: personal(text),
    node: id,
  }),
  key: (data) => data.streamId || data.remoteAddress,
  dataSubject: (data) => peerSubject(data.remoteAddress),
  // Version 1 did not know of suspended tenants; version 2 had the address in clear; version 3 did not know of the last four reasons.
  upcasters: [(data) => data, (data) => data, (data) => data],
  samples: [
    { streamId: sampleStream, reason: 'bad-key', detail: 'The stream key does not match.', remoteAddress: '127.0.0.1:50001', node: 'ingest-1' },
    { streamId: sampleStream, reason: 'tenant-suspended', detail: 'The tenant is suspended.', remoteAddress: '127.0.0.1:50001', node: 'ingest-1' },
    { streamId: sampleStream, reason: 'bad-key', detail: 'The stream key does not match.', remoteAddress: sampleSealed, node: 'ingest-1' },
    { streamId: sampleStream, reason: 'denied', detail: 'The publisher is not allowed here.', remoteAddress: sampleSealed, node: 'ingest-1' },
  ],
});

/** Why a publisher's session ended. */
export const interruptReasons = [
  'unpublished',
  'connection-closed',
  'stalled',
  'protocol-error',
  'too-slow',
  'ingest-lost',
  'shutdown',
  'limit-exceeded',
  'lifetime-over',
  'unsupported-codec',
] as const;

export const streamInterrupted = defineEvent({
  type: 'stream.interrupted',
  version: 3,
  context: 'stream',
  meaning: 'The publisher of a live stream went away; the stream waits for it.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    reason: z.enum(interruptReasons),
    detail: text,
  }),
  key: (data) => data.streamId,
  // Version 2 knows of publishers that were let in and then took more, or longer, than they may; version 3 of those that then sent what nobody here can carry.
  upcasters: [(data) => data, (data) => data],
  samples: [
    { streamId: sampleStream, sessionId: sampleSession, reason: 'connection-closed', detail: '' },
    { streamId: sampleStream, sessionId: sampleSession, reason: 'limit-exceeded', detail: 'This publisher sends 9000 kbit/s; 6000 are allowed.' },
    { streamId: sampleStream, sessionId: sampleSession, reason: 'unsupported-codec', detail: 'The audio codec adpcm is not supported.' },
  ],
});

export const streamStopped = defineEvent({
  type: 'stream.stopped',
  version: 1,
  context: 'stream',
  meaning: 'A stream ended for good; its playlist is now a recording.',
  schema: z.object({ streamId: id, reason: z.enum(['operator', 'publisher-gone']), detail: text }),
  key: (data) => data.streamId,
  samples: [{ streamId: sampleStream, reason: 'operator', detail: '' }],
});

/** A rendition as the encoder really produces it. */
export const renditionSchema = z.object({
  name: id,
  kind: z.enum(['video', 'audio']),
  /** RFC 6381 codec string, such as `avc1.64001f`. */
  codecs: z.string().max(64),
  /** Peak bits per second, as EXT-X-STREAM-INF BANDWIDTH wants it for this rendition alone. */
  bandwidth: z.number().int().positive(),
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  frameRate: z.number().positive().optional(),
  channels: z.number().int().positive().optional(),
  /** Of a sound, where anybody said. */
  language: language.optional(),
  label: label.optional(),
});

export const encodingStarted = defineEvent({
  type: 'encoding.started',
  version: 4,
  context: 'stream',
  meaning: 'An encoder runs for a stream; its renditions are known.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    epoch,
    node: id,
    encoder: id,
    source: z.object({ videoCodec: text, audioCodec: text, width: count, height: count, frameRate: z.number().nonnegative() }),
    renditions: z.array(renditionSchema).min(1).max(16),
    /** Where gateways follow the parts of segments that are being made; left out when nothing is served there. */
    liveEdgeUrl: z.string().max(512).optional(),
    /**
     * Wall clock of the session's time zero: when its first frame came, but not before the end of what was stored of another session.
     * Left out by packagers of before, for which it was the time of the session's `stream.started`.
     */
    startedAtMs: millis.optional(),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/encoding`,
  // Version 2 says where the live edge is, version 3 in which language a sound is, version 4 when the session's time zero was.
  upcasters: [(data) => data, (data) => data, (data) => data],
  samples: [
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      node: 'media-1',
      encoder: 'libx264',
      source: { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 },
      renditions: [{ name: '720p', kind: 'video', codecs: 'avc1.64001f', bandwidth: 2750000, width: 1280, height: 720, frameRate: 30 }],
      liveEdgeUrl: `http://127.0.0.1:8083/live-edge/${sampleStream}`,
    },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      node: 'media-1',
      encoder: 'libx264',
      source: { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 },
      renditions: [{ name: '720p', kind: 'video', codecs: 'avc1.64001f', bandwidth: 2750000, width: 1280, height: 720, frameRate: 30 }],
    },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      node: 'media-1',
      encoder: 'libx264',
      source: { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 },
      renditions: [
        { name: '720p', kind: 'video', codecs: 'avc1.64001f', bandwidth: 2750000, width: 1280, height: 720, frameRate: 30 },
        { name: 'audio', kind: 'audio', codecs: 'mp4a.40.2', bandwidth: 150000, channels: 2, language: 'en', label: 'English' },
        { name: 'audio-1', kind: 'audio', codecs: 'mp4a.40.2', bandwidth: 150000, channels: 2, language: 'de', label: 'Deutsch' },
      ],
    },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      node: 'media-1',
      encoder: 'libx264',
      source: { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 },
      renditions: [
        { name: '720p', kind: 'video', codecs: 'avc1.64001f', bandwidth: 2750000, width: 1280, height: 720, frameRate: 30 },
        { name: 'audio', kind: 'audio', codecs: 'mp4a.40.2', bandwidth: 150000, channels: 2 },
      ],
      liveEdgeUrl: `http://127.0.0.1:8083/live-edge/${sampleStream}`,
      startedAtMs: 1_790_000_000_000,
    },
  ],
});

export const encodingEnded = defineEvent({
  type: 'encoding.ended',
  version: 4,
  context: 'stream',
  meaning: 'An encoder ended: cleanly, by failure, or because its stream did.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    epoch,
    node: id,
    reason: z.enum(['source-ended', 'stopped', 'crashed', 'stalled', 'too-slow', 'lease-lost', 'failed-to-start', 'shutdown', 'switched', 'not-carried']),
    exitCode: z.number().int().nullable(),
    /** That ended it, such as SIGKILL. */
    signal: z.string().max(20).optional(),
    /** The program and its arguments. */
    argv: z.array(z.string().max(4000).regex(withoutNul)).max(300).optional(),
    /** When the next one is started; left out where none is. It grows with failures in a row. */
    restartInMs: millis.optional(),
    /** The encoder's last log lines, newest last. */
    lastLines: z.array(z.string().max(500).regex(withoutNul)).max(50),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/encoding`,
  // Version 2 tells an encoder that was stepped down (too-slow) from one that stood still (stalled); version 3 tells one that
  // ended because the other publisher took over (switched), what was run, and when it is run again; version 4 one that was ended because its source
  // cannot be carried as it is (not-carried), which an encoder follows.
  upcasters: [(data) => data, (data) => data, (data) => data],
  samples: [
    { streamId: sampleStream, sessionId: sampleSession, epoch: 1, node: 'media-1', reason: 'crashed', exitCode: 1, lastLines: ['Conversion failed!'] },
    { streamId: sampleStream, sessionId: sampleSession, epoch: 1, node: 'media-1', reason: 'too-slow', exitCode: null, lastLines: [] },
    {
      streamId: sampleStream,
      sessionId: sampleSession,
      epoch: 1,
      node: 'media-1',
      reason: 'crashed',
      exitCode: null,
      signal: 'SIGKILL',
      argv: ['ffmpeg', '-i', 'pipe:0'],
      restartInMs: 100,
      lastLines: [],
    },
    { streamId: sampleStream, sessionId: sampleSession, epoch: 1, node: 'media-1', reason: 'not-carried', exitCode: null, restartInMs: 0, lastLines: [] },
  ],
});

export const encodingDelayed = defineEvent({
  type: 'encoding.delayed',
  version: 1,
  context: 'stream',
  meaning: 'A packager could not store segments for a while and held its encoder up; told when it went on, nothing was dropped.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    epoch,
    node: id,
    reason: z.enum(['disk-full', 'store-unavailable', 'log-unavailable']),
    /** From the first attempt to success. */
    delayMs: millis,
    /** The first segments that had to wait. */
    mediaSequence: count,
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/encoding`,
  samples: [{ streamId: sampleStream, sessionId: sampleSession, epoch: 1, node: 'media-1', reason: 'disk-full', delayMs: 42000, mediaSequence: 17 }],
});

const recordingOf = { streamId: id, /** Of the effect that made it: 0, and one more whenever somebody asked for it again. */ round: count };

export const recordingFinished = defineEvent({
  type: 'recording.finished',
  version: 2,
  context: 'stream',
  meaning: 'A stopped stream was made into one file that plays from its beginning to its end, and a picture of it.',
  schema: z.object({
    ...recordingOf,
    mp4Cid: cid,
    mp4Bytes: bytes,
    /** Null for a stream without a picture. */
    posterCid: cid.nullable(),
    posterBytes: bytes,
    /** As probed in the file, as are the codecs and the size of the picture. */
    durationMs: millis,
    videoCodec: z.string().max(64).nullable(),
    audioCodec: z.string().max(64).nullable(),
    width: count,
    height: count,
    /** What it was made of. */
    renditions: z.array(id).max(16),
    segments: count,
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/recording`,
  // Version 2 has room for all sounds of a stream.
  upcasters: [(data) => data],
  samples: [
    {
      streamId: sampleStream,
      round: 0,
      mp4Cid: sampleCid,
      mp4Bytes: 64_000_000,
      posterCid: sampleCid,
      posterBytes: 40_000,
      durationMs: 600_000,
      videoCodec: 'h264',
      audioCodec: 'aac',
      width: 1280,
      height: 720,
      renditions: ['720p', 'audio'],
      segments: 300,
    },
    {
      streamId: sampleStream,
      round: 0,
      mp4Cid: sampleCid,
      mp4Bytes: 64_000_000,
      posterCid: sampleCid,
      posterBytes: 40_000,
      durationMs: 600_000,
      videoCodec: 'h264',
      audioCodec: 'aac',
      width: 1280,
      height: 720,
      renditions: ['720p', 'audio', 'audio-1', 'audio-2', 'audio-3'],
      segments: 300,
    },
  ],
});

export const recordingFailed = defineEvent({
  type: 'recording.failed',
  version: 1,
  context: 'stream',
  meaning: 'A stopped stream could not be made into one file; its playlist plays as before.',
  schema: z.object({ ...recordingOf, reason: z.enum(['no-segments', 'too-large', 'broken', 'tries-used-up']), detail: text }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/recording`,
  samples: [{ streamId: sampleStream, round: 0, reason: 'no-segments', detail: 'The stream never had a segment.' }],
});

export type StreamEventDefinition =
  | typeof streamCreated
  | typeof streamStarted
  | typeof streamPublishRejected
  | typeof streamInterrupted
  | typeof streamStopped
  | typeof encodingStarted
  | typeof encodingEnded
  | typeof encodingDelayed
  | typeof recordingFinished
  | typeof recordingFailed;
