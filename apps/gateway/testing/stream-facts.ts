import { encodingEnded, encodingStarted, segmentProduced } from '#events';
import type { BlobInfo } from '#ports';
import type { World } from './gateway.fixture.ts';

const programDateTimeMs = 1_790_000_000_000;

/** Announces an encoder with a video and an audio rendition. */
export async function announceEncoding(world: World, streamId: string, epoch = 1n, liveEdgeUrl?: string): Promise<void> {
  const source = { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 };
  const video = { name: '720p', kind: 'video' as const, codecs: 'avc1.64001f', bandwidth: 2_750_000, width: 1280, height: 720, frameRate: 30 };
  const audio = { name: 'audio', kind: 'audio' as const, codecs: 'mp4a.40.2', bandwidth: 132_000, channels: 2 };
  const started = encodingStarted.draft({
    streamId,
    sessionId: 's-1',
    epoch: Number(epoch),
    node: 'media-1',
    encoder: 'libx264',
    source,
    renditions: [video, audio],
    ...(liveEdgeUrl === undefined ? {} : { liveEdgeUrl }),
  });
  await world.facts.publish('stream', [started], { producer: { id: `media:${streamId}`, epoch } });
}

/** Says that the encoder has stored its last. */
export async function announceEncodingEnd(world: World, streamId: string, epoch = 1n): Promise<void> {
  const ended = encodingEnded.draft({ streamId, sessionId: 's-1', epoch: Number(epoch), node: 'media-1', reason: 'stopped', exitCode: 0, lastLines: [] });
  await world.facts.publish('stream', [ended], { producer: { id: `media:${streamId}`, epoch } });
}

export interface SegmentFacts {
  readonly epoch?: bigint;
  readonly discontinuity?: boolean;
  readonly captions?: string;
  /** The picture's initialisation, where it is another one than the sound's. */
  readonly pictureInit?: string;
  readonly startUs?: number;
  readonly durationUs?: number;
}

/** Stores and announces a segment in both renditions, of 2 s where nothing is said. */
export async function announceSegment(
  world: World,
  streamId: string,
  mediaSequence: number,
  { epoch = 1n, discontinuity = false, captions, pictureInit = 'init', startUs = mediaSequence * 2_000_000, durationUs = 2_000_000 }: SegmentFacts = {},
): Promise<string> {
  const [ofPicture, ofSound] = await Promise.all([pictureInit, 'init'].map((init) => world.engines.blobs.put(Buffer.from(init))));
  const written = captions === undefined ? undefined : await world.engines.blobs.put(Buffer.from(captions));
  const drafts = await Promise.all(
    ['720p', 'audio'].map(async (rendition) => {
      const init = (rendition === 'audio' ? ofSound : ofPicture) as BlobInfo;
      const { cid, sizeBytes } = await world.engines.blobs.put(Buffer.from(`${streamId} ${rendition} ${mediaSequence} ${epoch}`));
      return segmentProduced.draft({
        streamId,
        sessionId: 's-1',
        rendition,
        epoch: Number(epoch),
        mediaSequence,
        cid,
        sizeBytes,
        initCid: init.cid,
        initSizeBytes: init.sizeBytes,
        durationUs,
        startUs,
        programDateTimeMs: programDateTimeMs + startUs / 1000,
        discontinuity,
        ...exactTimes(rendition, startUs, durationUs),
        ...(written === undefined || rendition === 'audio' ? {} : { captions: [{ channel: 'cc1', ...written }] }),
      });
    }),
  );
  await world.facts.publish('stream', drafts, { producer: { id: `media:${streamId}`, epoch } });
  return (drafts[0] as (typeof drafts)[number]).data.cid;
}

/** Announces a segment of 2 s of media that is stored already, one of each rendition. */
export async function announceMedia(
  world: World,
  streamId: string,
  mediaSequence: number,
  media: ReadonlyArray<{ readonly rendition: string; readonly init: BlobInfo; readonly stored: BlobInfo }>,
): Promise<void> {
  const drafts = media.map(({ rendition, init, stored }) =>
    segmentProduced.draft({
      ...{ streamId, sessionId: 's-1', rendition, epoch: 1, mediaSequence, cid: stored.cid, sizeBytes: stored.sizeBytes },
      ...{ initCid: init.cid, initSizeBytes: init.sizeBytes, durationUs: 2_000_000, startUs: mediaSequence * 2_000_000 },
      ...{ programDateTimeMs: programDateTimeMs + mediaSequence * 2000, discontinuity: false, ...exactTimes(rendition, mediaSequence * 2_000_000) },
    }),
  );
  await world.facts.publish('stream', drafts, { producer: { id: `media:${streamId}`, epoch: 1n } });
}

function exactTimes(rendition: string, startUs: number, durationUs = 2_000_000) {
  const ticks = (us: number, timescale: number): number => (us * timescale) / 1_000_000;
  if (rendition === 'audio') {
    const track = { timescale: 48_000, codecs: 'mp4a.40.2', sampleRate: 48_000, channels: 2 };
    return { track, startTicks: ticks(startUs, 48_000), durationTicks: ticks(durationUs, 48_000) };
  }
  const track = { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720 };
  const startTicks = ticks(startUs, 90_000);
  return { track, startTicks, durationTicks: ticks(durationUs, 90_000), keyFrames: [{ offset: 0, sizeBytes: 8, startTicks }] };
}
