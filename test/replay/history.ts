import {
  type AnyDefinition,
  type Context,
  type DraftOf,
  type LogRecord,
  clipFailed,
  clipFinished,
  clipRequested,
  definitionOf,
  edgeAudienceReported,
  edgeRegistered,
  edgeReported,
  encodeEvent,
  encodingAdapted,
  encodingDelayed,
  encodingEnded,
  encodingStarted,
  keyIssued,
  keyRevoked,
  ledgerBegunAnew,
  ledgerKeyRotated,
  logPastRemoved,
  logSealingEnded,
  logSealingFailed,
  logSealingRequested,
  logSegmentSealed,
  noLoad,
  personalDataViewed,
  plainEdge,
  purgeApplied,
  purgeRequested,
  replayCancelled,
  replayCompared,
  replayRequested,
  replayStarted,
  sandboxCreated,
  sandboxDropRequested,
  sandboxDropped,
  sandboxReady,
  segmentProduced,
  streamAlertCleared,
  streamAlertRaised,
  streamCreated,
  streamInterrupted,
  streamMarked,
  streamMeasured,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  thumbnailsProduced,
} from '#events';
import { Prng } from '#kernel';
import { effectFacts, operatorCommands } from './effect-history.ts';
import { trafficFacts } from './traffic-history.ts';
import { openDrafts } from './open-history.ts';

type Draft = DraftOf<AnyDefinition>;

export interface RecordedEvent {
  readonly topic: Context;
  readonly record: LogRecord;
}

export interface HistoryInit {
  readonly seed: number;
  readonly streams: number;
  /** Segments of each rendition and session. */
  readonly segments: number;
  readonly edges?: number;
  readonly keys?: number;
}

const startMs = 1_790_000_000_000;
const renditions = ['720p', '240p', 'audio'] as const;

/** Writes events as their owners would: commands count per aggregate, facts per producer and epoch. */
class Recorder {
  readonly events: RecordedEvent[] = [];
  readonly dice: Prng;
  readonly #counts = new Map<string, bigint>();
  #now = startMs;

  constructor(seed: number) {
    this.dice = new Prng(seed);
  }

  get now(): number {
    return this.#now;
  }

  command(draft: Draft): void {
    this.#write(draft, `command ${definitionOf(draft.type)?.key(draft.data)}`, 0n);
  }

  fact(draft: Draft, producer: string, epoch: bigint): void {
    this.#write(draft, `${producer} ${epoch}`, epoch);
  }

  /** Neither a decision nor a fenced fact. */
  outside(draft: Draft): void {
    this.#write(draft, '', 0n);
  }

  #write(draft: Draft, counter: string, producerEpoch: bigint): void {
    const definition = definitionOf(draft.type);
    if (definition === undefined) throw new RangeError(draft.type);
    const streamVersion = counter === '' ? 0n : (this.#counts.get(counter) ?? 0n) + 1n;
    this.#counts.set(counter, streamVersion);
    this.#now += this.dice.nextInteger(0, 3);
    const at = this.events.length;
    const record = encodeEvent({
      id: `01926f4e-7d3a-7000-8000-${(at + 1).toString(16).padStart(12, '0')}`,
      type: draft.type,
      version: definition.version,
      source: '/history/1',
      subject: definition.subject(draft.data),
      time: this.#now,
      key: definition.key(draft.data),
      tenant: 'default',
      correlationId: `c-${at}`,
      causationId: `c-${at}`,
      traceparent: '',
      actor: 'system:history',
      streamVersion,
      producerEpoch,
      data: draft.data,
    });
    this.events.push({ topic: definition.context, record });
  }
}

function cid(dice: Prng): string {
  return `bafkrei${dice.nextUint32().toString(36)}${dice.nextUint32().toString(36)}`.padEnd(59, 'a');
}

/** As the log has it: encrypted, under a key that a few visits share. */
function sealedAddress(key: number): string {
  return `sealed:v1:${String(key).padStart(22, 'k')}:${'p'.repeat(11)}:${'b'.repeat(52)}`;
}

/** One publisher's visit: admitted, encoded, cut, gone. */
function session(on: Recorder, streamId: string, epoch: number, firstSequence: number, segments: number): void {
  const { dice } = on;
  const sessionId = `s-${streamId}-${epoch}`;
  on.command(
    streamStarted.draft({
      streamId,
      sessionId,
      epoch,
      endpoint: 'primary',
      remoteAddress: sealedAddress(epoch),
      node: 'node-1',
      relayUrl: 'http://127.0.0.1:8082/',
    }),
  );
  const media = `media:${streamId}`;
  const source = { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 };
  const rungs = renditions.map((name) => ({
    name,
    kind: name === 'audio' ? ('audio' as const) : ('video' as const),
    codecs: 'avc1.64001f',
    bandwidth: dice.nextInteger(1, 5_000_000),
  }));
  on.fact(encodingStarted.draft({ streamId, sessionId, epoch, node: 'node-1', encoder: 'libx264', source, renditions: rungs }), media, BigInt(epoch));
  const initCid = cid(dice);
  for (let at = 0; at < segments; at++) {
    for (const rendition of renditions)
      on.fact(segment(on, { streamId, sessionId, rendition, epoch, mediaSequence: firstSequence + at, initCid }), media, BigInt(epoch));
  }
  watched(on, { streamId, sessionId, epoch, firstSequence });
  on.fact(encodingDelayed.draft({ streamId, sessionId, epoch, node: 'node-1', reason: 'disk-full', delayMs: 5000, mediaSequence: 0 }), media, BigInt(epoch));
  on.fact(encodingAdapted.draft({ streamId, sessionId, epoch, node: 'node-1', step: 'preset', direction: 'down', detail: 'superfast' }), media, BigInt(epoch));
  on.fact(encodingEnded.draft({ streamId, sessionId, epoch, node: 'node-1', reason: 'source-ended', exitCode: 0, lastLines: [] }), media, BigInt(epoch));
  on.command(streamInterrupted.draft({ streamId, sessionId, reason: 'connection-closed', detail: '' }));
}

/** Valid data of an event, to be changed. */
function newestSample<Data>({ samples }: { readonly samples: readonly unknown[]; readonly schema: { parse(data: unknown): Data } }): Data {
  return samples.at(-1) as Data;
}

/** What was seen of a publisher's visit, and what was said about it. */
function watched(
  on: Recorder,
  { streamId, sessionId, epoch, firstSequence }: Pick<SegmentPlace, 'streamId' | 'sessionId' | 'epoch'> & { firstSequence: number },
): void {
  const { dice } = on;
  const observed = { streamId, sessionId, epoch };
  const fact = (draft: Parameters<Recorder['fact']>[0]): void => on.fact(draft, `sampler:${streamId}`, BigInt(epoch));
  const place = { mediaSequence: firstSequence, startUs: firstSequence * 2_000_000, durationUs: 10_000_000, programDateTimeMs: on.now };
  fact(thumbnailsProduced.draft({ ...observed, ...place, cid: cid(dice), sizeBytes: 9000, columns: 5, rows: 1, width: 256, height: 144 }));
  const sample = newestSample(streamMeasured);
  for (let at = 0; at < 3; at++) fact(streamMeasured.draft({ ...sample, ...observed, behindMs: dice.nextInteger(0, 5000) }));
  fact(streamAlertRaised.draft({ ...observed, alert: 'silence', sinceMs: on.now, detail: 'There has been no sound for 10 s.' }));
  if (dice.next() < 0.7) fact(streamAlertCleared.draft({ ...observed, alert: 'silence', reason: 'over', lastedMs: dice.nextInteger(0, 9000) }));
  const marker = newestSample(streamMarked);
  for (const durationMs of [null, 30_000]) on.command(streamMarked.draft({ ...marker, streamId, markerId: `mk-${epoch}`, durationMs }));
  const clip = { streamId, clipId: `cl-${epoch}` };
  on.command(clipRequested.draft({ ...clip, name: 'The goal', fromMs: on.now, untilMs: on.now + 5000 }));
  const made = newestSample(clipFinished);
  for (let round = 0; round < 2; round++)
    if (dice.next() < 0.5) on.fact(clipFailed.draft({ ...clip, round, reason: 'no-segments', detail: '' }), `effect:${streamId}-${epoch}-${round}`, 1n);
    else on.fact(clipFinished.draft({ ...made, ...clip, round }), `effect:${streamId}-${epoch}-${round}`, 1n);
}

interface SegmentPlace {
  readonly streamId: string;
  readonly sessionId: string;
  readonly rendition: string;
  readonly epoch: number;
  readonly mediaSequence: number;
  readonly initCid: string;
}

function segment(on: Recorder, place: SegmentPlace): DraftOf<typeof segmentProduced> {
  const { dice } = on;
  return segmentProduced.draft({
    ...place,
    cid: cid(dice),
    sizeBytes: dice.nextInteger(1000, 1_000_000),
    initSizeBytes: 800,
    durationUs: 2_000_000 + dice.nextInteger(-20000, 20000),
    startUs: place.mediaSequence * 2_000_000,
    programDateTimeMs: on.now,
    discontinuity: dice.next() < 0.05,
    ...(dice.next() < 0.5 ? {} : exactTimes(place)),
  });
}

/** What packagers tell since version 2. */
function exactTimes({ mediaSequence, rendition }: SegmentPlace) {
  const startTicks = mediaSequence * 180_000;
  if (rendition === 'audio') return { track: { timescale: 48_000, codecs: 'mp4a.40.2', sampleRate: 48_000, channels: 2 }, startTicks, durationTicks: 96_256 };
  const track = { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720 };
  return { track, startTicks, durationTicks: 180_000, keyFrames: [{ offset: 0, sizeBytes: 42_000, startTicks }] };
}

function stream(on: Recorder, streamId: string, segments: number): void {
  const ladder = [{ name: '720p', height: 720, videoBitrate: 2_500_000 }];
  on.command(
    streamCreated.draft({
      streamId,
      name: `Stream ${streamId} – "ü"`,
      keyHash: 'a'.repeat(64),
      ladder,
      audioBitrate: 128_000,
      segmentDurationMs: 2000,
      graceMs: 60_000,
      dvrWindowMs: 3_600_000,
    }),
  );
  if (on.dice.next() < 0.2)
    on.command(streamPublishRejected.draft({ streamId, reason: 'bad-key', detail: '', remoteAddress: sealedAddress(0), node: 'node-1' }));
  const sessions = on.dice.nextInteger(1, 2);
  for (let epoch = 1; epoch <= sessions; epoch++) session(on, streamId, epoch, (epoch - 1) * segments, segments);
  if (on.dice.next() < 0.5) on.command(streamStopped.draft({ streamId, reason: 'operator', detail: '' }));
}

function purge(on: Recorder, purgeId: string, edges: number): void {
  on.command(purgeRequested.draft({ purgeId, urls: ['/live/x/master.m3u8', `/live/${purgeId}.m3u8`], reason: '' }));
  for (let edge = 0; edge < edges; edge++) {
    // An edge that crashed applies a purge twice.
    for (let times = on.dice.nextInteger(1, 2); times > 0; times--) {
      const applied = purgeApplied.draft({ purgeId, edgeId: `edge-${edge}`, objects: on.dice.nextInteger(0, 9), appliedAtMs: on.now });
      on.fact(applied, `edge:edge-${edge}`, 1n);
    }
  }
}

function edge(on: Recorder, edgeId: string): void {
  on.fact(edgeRegistered.draft(plainEdge({ edgeId, url: 'http://127.0.0.1:8081', region: 'local', memoryBytesMax: 268_435_456 })), `edge:${edgeId}`, 1n);
  for (let report = 1; report <= 5; report++) {
    const n = report * 100;
    const streams = [1, 2].map((at) => ({ streamId: `st-${at}`, joined: n * at, left: n - 50 }));
    on.fact(edgeAudienceReported.draft({ edgeId, incarnation: startMs, streams }), `edge:${edgeId}`, 1n);
    const counters = { requests: n, hits: n - 5, misses: 5, collapsed: 0, originFetches: 5, originErrors: 0, bytesServed: n * 1000, bytesFromOrigin: 5000 };
    const prefetch = [{ source: 'model' as const, fetched: n, used: n - 40, wasted: 20, bytes: n * 100 }];
    const load = { ...noLoad, prefetch, connections: n, cpu: n / 1000, draining: n > 300, sharedTier: n % 3 === 0 ? ('away' as const) : ('on' as const) };
    on.fact(
      edgeReported.draft({
        edgeId,
        incarnation: startMs,
        ...counters,
        ...load,
        objects: on.dice.nextInteger(0, 99),
        memoryBytes: on.dice.nextInteger(0, 99999),
      }),
      `edge:${edgeId}`,
      1n,
    );
  }
  for (const draft of trafficFacts(on.dice, edgeId)) on.fact(draft, `edge:${edgeId}`, 1n);
}

/** Segments of a partition that are sealed one after the other, a failure in between, and an order. */
function retention(on: Recorder): void {
  const place = { topic: 'stream', partition: 3 };
  on.command(logSealingRequested.draft({ sealingId: 'sl-history', olderThanMs: 5000, reason: 'history' }));
  for (let number = 1; number <= 4; number++) {
    if (number === 3) on.command(logSealingFailed.draft({ ...place, code: 'LEDGER_MISMATCH', message: 'not as it was signed' }));
    const range = { number, firstOffset: `${number * 100 - 100}`, endOffset: `${number * 100}`, firstLeaf: number * 100 - 100, records: 100 };
    const size = { firstMs: number, lastMs: number + 1, sizeBytes: 10, rawBytes: 90, cid: `bafkreihistory${number}`, roots: [] };
    on.command(logSegmentSealed.draft({ ...place, ...range, ...size }));
  }
  on.command(logPastRemoved.draft({ ...place, beforeOffset: '200', records: 200 }));
  on.command(logSealingEnded.draft({ sealingId: 'sl-history', segments: 4, records: 400, sizeBytes: 40, rawBytes: 360, failures: 0 }));
}

/** Sandboxes that were looked at and dropped, one after another under a name. */
function sandboxes(on: Recorder): void {
  for (const sandboxId of ['old00001', 'old00002']) {
    const about = { name: 'old', sandboxId };
    on.command(sandboxCreated.draft({ ...about, projections: ['streams'], fromMs: null, untilMs: 1000, expiresAtMs: 2000, reason: 'history' }));
    on.command(sandboxReady.draft({ ...about, events: 7, skipped: 0, eventsGone: 0 }));
    on.command(sandboxDropRequested.draft({ ...about, reason: 'history', requestedBy: 'key:k-1' }));
    on.command(sandboxDropped.draft(about));
  }
}

/** Replays that are over: whoever reads this history must not begin to work on them. */
function replays(on: Recorder): void {
  for (const [at, mode] of (['rebuild', 'comparison'] as const).entries()) {
    const replayId = `rp-old${at}`;
    const whole = { fromMs: null, untilMs: null, partitions: null };
    on.command(
      replayRequested.draft({ replayId, projection: 'streams', mode, ...whole, promote: false, reason: 'history', onPoison: 'stop', acceptLoss: false }),
    );
    on.command(replayStarted.draft({ replayId, projectionVersion: 1, owner: 'node-1' }));
    if (mode === 'comparison') on.command(replayCompared.draft({ replayId, equal: true, added: 0, removed: 0, changed: 0, digest: '0', eventsGone: 0 }));
    else on.command(replayCancelled.draft({ replayId, reason: 'history' }));
  }
}

/** A history of the whole platform; the same seed gives the same bytes. */
export function history({ seed, streams, segments, edges = 2, keys = 3 }: HistoryInit): readonly RecordedEvent[] {
  const on = new Recorder(seed);
  for (let at = 0; at < streams; at++) stream(on, `st-${at}`, segments);
  for (let at = 0; at < edges; at++) edge(on, `edge-${at}`);
  for (let at = 0; at < streams; at += 3) purge(on, `pg-${at}`, edges);
  for (let at = 0; at < keys; at++) {
    const grant = { tenant: 'default', contexts: null, ratePerMinute: null, expiresAtMs: 0 };
    on.command(keyIssued.draft({ keyId: `k-${at}`, name: `key ${at}`, secretHash: 'b'.repeat(64), scopes: ['view', 'publish'], ...grant }));
    if (at % 2 === 1) on.command(keyRevoked.draft({ keyId: `k-${at}`, reason: 'rotated' }));
  }
  replays(on);
  for (let view = 1; view <= 5; view++)
    on.command(personalDataViewed.draft({ operation: 'showEvent', query: `e-${view}`, eventIds: [`e-${view}`], count: 1, reason: 'history' }));
  sandboxes(on);
  for (const draft of operatorCommands(on.dice)) on.command(draft);
  for (const draft of effectFacts(on.dice)) on.outside(draft);
  for (let number = 2; number <= 6; number++) on.command(ledgerKeyRotated.draft({ number, reason: 'history' }));
  on.command(ledgerBegunAnew.draft({ topic: 'content', partition: 3, beginsAt: '40', records: 20, reason: 'history' }));
  retention(on);
  for (const draft of openDrafts(on.dice, streams)) on.outside(draft);
  return on.events;
}
