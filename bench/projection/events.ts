import { definitionOf, encodeEvent, segmentProduced, streamCreated, streamStarted, type AnyDefinition, type DraftOf, type LogRecord } from '#events';
import { v7 } from 'uuid';

const renditions = ['720p', '480p', '240p', 'audio'];
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** A record as its owner would write it. */
export function recordOf(draft: DraftOf<AnyDefinition>, streamVersion: bigint, producerEpoch: bigint): LogRecord {
  const definition = definitionOf(draft.type);
  if (definition === undefined) throw new RangeError(draft.type);
  const id = v7();
  return encodeEvent({
    id,
    type: draft.type,
    version: definition.version,
    source: '/media/bench',
    subject: definition.subject(draft.data),
    time: Date.now(),
    key: definition.key(draft.data),
    tenant: 'default',
    correlationId: id,
    causationId: id,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    actor: 'system:media',
    streamVersion,
    producerEpoch,
    data: draft.data,
  });
}

export function created(streamId: string): LogRecord {
  const ladder = [{ name: '720p', height: 720, videoBitrate: 2_500_000 }];
  return recordOf(
    streamCreated.draft({
      streamId,
      name: `Stream ${streamId}`,
      keyHash: 'a'.repeat(64),
      ladder,
      audioBitrate: 128_000,
      segmentDurationMs: 2000,
      graceMs: 60_000,
      dvrWindowMs: 3_600_000,
    }),
    1n,
    0n,
  );
}

export function started(streamId: string): LogRecord {
  const session = { sessionId: v7(), epoch: 1, endpoint: 'primary' as const, remoteAddress: '127.0.0.1:50000', node: 'node-1' };
  return recordOf(streamStarted.draft({ streamId, ...session, relayUrl: `http://127.0.0.1:8082/relay/${streamId}` }), 2n, 0n);
}

/** The segments of one media sequence, one per rendition. */
export function segments(streamId: string, mediaSequence: number): LogRecord[] {
  return renditions.map((rendition, at) => {
    const place = { streamId, sessionId: '01926f4e-7d3a-7000-8000-000000000001', rendition, epoch: 1, mediaSequence };
    const media = {
      cid,
      sizeBytes: 640_000,
      initCid: cid,
      initSizeBytes: 800,
      durationUs: 2_000_000,
      startUs: mediaSequence * 2_000_000,
      programDateTimeMs: Date.now(),
      discontinuity: false,
      track: { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720 },
      startTicks: mediaSequence * 180_000,
      durationTicks: 180_000,
      keyFrames: [{ offset: 0, sizeBytes: 42_000, startTicks: mediaSequence * 180_000 }],
    };
    return recordOf(segmentProduced.draft({ ...place, ...media }), BigInt(mediaSequence * renditions.length + at + 1), 1n);
  });
}
