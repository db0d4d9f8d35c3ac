import { encodingStarted, segmentProduced, streamCreated, streamStarted, type DraftEvent } from '#events';
import type { Prng } from '#kernel';
import type { EdgeReader } from '../../apps/media/edge/edge-reader.ts';
import { LiveEdge } from '../../apps/media/edge/live-edge.ts';
import { RunAnnouncer } from '../../apps/media/edge/run-announcer.ts';
import { StreamFold, type LiveSession, type StreamState } from '../../apps/media/fold/stream-fold.core.ts';
import { planRun, programDateTime, sessionEnd, storedUntilMs, toldUntil, type RunPlan } from '../../apps/media/run/run-plan.core.ts';
import type { SimulatedRows } from './simulated-rows.fixture.ts';

export const simulatedStream = 'st-7f3k2m9q';
export const simulatedRenditions = ['720p', 'audio'] as const;
const partsOfSegment = 4;
const segmentMs = 2000;
const source = { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 };
const renditions = [
  { name: '720p', kind: 'video' as const, codecs: 'avc1.64001f', bandwidth: 2_750_000, width: 1280, height: 720, frameRate: 30 },
  { name: 'audio', kind: 'audio' as const, codecs: 'mp4a.40.2', bandwidth: 132_000, channels: 2 },
];
const tracks = { '720p': { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720 }, audio: { timescale: 48_000, codecs: 'mp4a.40.2' } };

/** A gateway's end of a connection: what was sent and not read yet. */
export interface Pipe extends Pick<EdgeReader, 'send' | 'end'> {
  readonly url: string;
  broken: boolean;
}

interface Run {
  readonly name: string;
  readonly plan: RunPlan;
  readonly init: string;
  /** It does not continue the segment before. */
  readonly breaks: boolean;
  readonly announcer: RunAnnouncer;
  /** Parts of each rendition so far. */
  readonly made: Record<string, number>;
  /** Segments that are complete and not on the log, and on the log and not told of. */
  complete: number[];
  stored: number[];
}

/** The process that encodes a stream, with the real announcer, live edge and plan of runs; it dies and comes again under another address. */
export class SimulatedPackager {
  readonly #prng: Prng;
  readonly #rows: SimulatedRows;
  readonly #fold = new StreamFold();
  readonly #session: LiveSession;
  /** What was stored, by its name. */
  readonly media = new Map<string, string>();
  edge = new LiveEdge();
  pipes: Pipe[] = [];
  #process = 0;
  #epoch = 0n;
  #version = 0n;
  #runs = 0;
  #runsBefore = 0;
  /** Number of a segment behind which nothing is at hand any more. */
  #outOfReach = -2;
  #configuration = 0;
  /** Of the run that began last. */
  #told = 0;
  #run: Run | undefined;
  /** Segments that this process has stored. */
  stored = 0;
  /** A run that began with a discontinuity told of it and stored nothing: only who heard it knows where it is. */
  hasLostBreak = false;

  constructor(prng: Prng, rows: SimulatedRows) {
    this.#prng = prng;
    this.#rows = rows;
    const created = { streamId: simulatedStream, name: 'News', keyHash: 'a'.repeat(64), ladder: [], audioBitrate: 128_000, segmentDurationMs: segmentMs };
    const drafts: DraftEvent[] = [streamCreated.draft({ ...created, graceMs: 60_000, dvrWindowMs: 3_600_000, record: true } as never)];
    const about = { streamId: simulatedStream, sessionId: 's-1', epoch: 1, endpoint: 'primary' as const, remoteAddress: '192.0.2.1:1', node: 'node-1' };
    drafts.push(streamStarted.draft({ ...about, relayUrl: 'http://x/' }));
    for (const event of rows.append(drafts, 1n, 0n)) this.#fold.apply(event);
    this.#session = this.#state.sessions[0] as LiveSession;
  }

  get #state(): StreamState {
    return this.#fold.get(simulatedStream) as StreamState;
  }

  get url(): string {
    return `http://media:${4000 + this.#process}/live-edge/${simulatedStream}`;
  }

  /** Whether the run was of the process that there is now. */
  made(run: string): boolean {
    return Number(run.slice(1)) > this.#runsBefore;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** Everything that may happen next in here. */
  step(): void {
    const run = this.#run;
    if (run === undefined) return this.#start();
    if (run.stored.length > 0 && this.#prng.next() < 0.5) return this.#tell(run);
    if (run.complete.length > 0 && this.#prng.next() < 0.4) return this.#commit(run);
    if (run.complete.length < 2) this.#make(run);
  }

  join(pipe: Pipe): boolean {
    if (pipe.url !== this.url || !this.edge.encodes('s-1')) return false;
    this.pipes.push(pipe);
    this.edge.join(pipe as unknown as EdgeReader);
    return true;
  }

  /** Its program dies: what is complete is stored, and the rest made again. */
  killEncoder(): void {
    const run = this.#run;
    if (run === undefined) return;
    while (run.complete.length > 0) this.#commit(run);
    while (run.stored.length > 0) this.#tell(run);
    run.announcer.end();
    this.#judgeLoss();
    this.#run = undefined;
    if (this.#prng.next() < 0.2) this.#configuration += 1;
  }

  /** All of it dies, at any moment; connections break. */
  killProcess(): void {
    this.#judgeLoss();
    this.breakConnections();
    this.edge = new LiveEdge();
    this.#run = undefined;
    // A process that begins is configured like one that began: what was given up under way is another's.
    this.#configuration = this.#told;
    this.#process += 1;
    this.#runsBefore = this.#runs;
    this.stored = 0;
    this.#epoch += 1n;
    this.#version = 0n;
  }

  #judgeLoss(): void {
    const run = this.#run;
    if (run?.breaks === true && (this.#state.last?.mediaSequence ?? -1) < run.plan.mediaSequence) this.hasLostBreak = true;
  }

  breakConnections(): void {
    for (const pipe of this.pipes) pipe.broken = true;
    for (const pipe of this.pipes) this.edge.leave(pipe as unknown as EdgeReader);
    this.pipes = [];
  }

  #start(): void {
    this.edge.open('s-1');
    if (this.#epoch === 0n) this.#epoch = 1n;
    const { url } = this;
    const about = { streamId: simulatedStream, sessionId: 's-1', epoch: Number(this.#epoch), node: 'media-1', encoder: 'libx264', source };
    this.#append(encodingStarted.draft({ ...about, renditions, liveEdgeUrl: url }));
    const configuration = `configuration ${this.#configuration}`;
    const announced = this.edge.announced(configuration);
    const plan = planRun(this.#state, this.#session, this.#startPoint(), announced);
    this.edge.configure(configuration, plan.mediaSequence, toldUntil(this.#state, announced));
    this.#told = this.#configuration;
    const name = `r${++this.#runs}`;
    const init = `binit${this.#configuration}`;
    const breaks = plan.discontinuity || Object.values(this.#state.last?.renditions ?? {}).some(({ initCid }) => initCid !== init);
    const announcer = new RunAnnouncer(
      {
        ...{ run: name, renditions: simulatedRenditions, mediaSequence: plan.mediaSequence },
        programDateTime: (us) => programDateTime(this.#session, plan.offsetMs, us),
        breaks: () => breaks,
      },
      this.edge,
    );
    for (const rendition of simulatedRenditions) announcer.begin(rendition, init, tracks[rendition]);
    this.#run = { name, plan, init, announcer, made: { '720p': 0, audio: 0 }, complete: [], stored: [], breaks };
  }

  /** A key frame that reaches back to what is stored, or does not. */
  #startPoint(): Parameters<typeof planRun>[2] {
    const end = sessionEnd(this.#state, this.#session);
    // What was let go of once does not come back.
    const last = this.#state.last?.mediaSequence ?? -1;
    if (this.#prng.next() < 0.3) this.#outOfReach = last;
    const reachesBack = this.#outOfReach !== last;
    const presentationMs = end === undefined ? 0 : Math.floor(storedUntilMs(end)) + (reachesBack ? 0 : segmentMs);
    const generation = { number: 0, video: undefined, audio: undefined, sealed: true, muted: false };
    return { index: 0, source: {}, tag: { kind: 'video', timestampMs: presentationMs, presentationMs, keyFrame: true, body: new Uint8Array(), generation } };
  }

  #append(...drafts: readonly DraftEvent[]): void {
    for (const event of this.#rows.append(drafts, this.#version + 1n, this.#epoch)) this.#fold.apply(event);
    this.#version += BigInt(drafts.length);
  }

  /** The rendition that is behind goes on, or the other, by a part at most. */
  #make(run: Run): void {
    const counts = simulatedRenditions.map((name) => run.made[name] ?? 0);
    const rendition =
      counts[0] === counts[1] ? this.#prng.pick(simulatedRenditions) : (simulatedRenditions[(counts[0] ?? 0) < (counts[1] ?? 0) ? 0 : 1] as string);
    const at = run.made[rendition] ?? 0;
    run.made[rendition] = at + 1;
    const index = at % partsOfSegment;
    const mediaSequence = run.plan.mediaSequence + Math.floor(at / partsOfSegment);
    const startUs = run.plan.videoStreamUs + at * 500_000;
    const last = index === partsOfSegment - 1;
    run.announcer.part({
      ...{ rendition, mediaSequence, index, last, independent: rendition === 'audio' || index === 0, startUs, durationUs: 500_000 },
      bytes: new TextEncoder().encode(partText(rendition, mediaSequence, index, run.name)),
    });
    const done = Math.min(...simulatedRenditions.map((name) => run.made[name] ?? 0)) / partsOfSegment;
    if (Number.isInteger(done) && last && done > 0 && !run.complete.includes(mediaSequence)) run.complete.push(mediaSequence);
  }

  #produced(run: Run, mediaSequence: number) {
    const first = mediaSequence === run.plan.mediaSequence;
    const startUs = run.plan.videoStreamUs + (mediaSequence - run.plan.mediaSequence) * segmentMs * 1000;
    return simulatedRenditions.map((rendition) => ({
      ...{ streamId: simulatedStream, sessionId: 's-1', rendition, epoch: Number(this.#epoch), mediaSequence, startUs, durationUs: segmentMs * 1000 },
      ...{ cid: `b${rendition}${mediaSequence}${run.name}`, initCid: run.init, initSizeBytes: 4, startTicks: 0, durationTicks: 180_000 },
      sizeBytes: segmentText(rendition, mediaSequence, run.name).length,
      ...{ discontinuity: first && run.breaks, track: tracks[rendition] },
      programDateTimeMs: programDateTime(this.#session, run.plan.offsetMs, startUs),
    }));
  }

  #commit(run: Run): void {
    const mediaSequence = run.complete.shift() as number;
    const produced = this.#produced(run, mediaSequence);
    for (const { cid, rendition } of produced) this.media.set(cid, segmentText(rendition, mediaSequence, run.name));
    this.#append(...produced.map((data) => segmentProduced.draft(data)));
    run.stored.push(mediaSequence);
  }

  #tell(run: Run): void {
    run.announcer.committed(this.#produced(run, run.stored.shift() as number));
    this.stored += 1;
  }
}

function partText(rendition: string, mediaSequence: number, index: number, run: string): string {
  return `${rendition} ${mediaSequence}.${index}.${run};`;
}

function segmentText(rendition: string, mediaSequence: number, run: string): string {
  return Array.from({ length: partsOfSegment }, (_, index) => partText(rendition, mediaSequence, index, run)).join('');
}
