import type { EventOf, segmentProduced } from '#events';
import type { PartialSegment } from '#core/fmp4';
import type { EdgeTrack } from '#core/live-edge';
import type { LiveEdge } from './live-edge.ts';

type Produced = EventOf<typeof segmentProduced>['data'];

export interface RunAnnouncerInit {
  /** Tells the runs of a stream apart; part of the names of parts. */
  readonly run: string;
  readonly renditions: readonly string[];
  /** Of the first segment. */
  readonly mediaSequence: number;
  /** Wall clock of a place on the stream's timeline, ms since the Unix epoch. */
  readonly programDateTime: (streamUs: number) => number;
  /** Whether the first segment does not continue the one before, once the initialisations are known. */
  readonly breaks: (initCids: ReadonlyMap<string, string>) => boolean;
}

/**
 * Tells of one encoder run: its parts as they come, and its segments when they are on the log. A part is told of only when the
 * segments before its own are: what follows a part that was announced is then certain. The last part of a segment is told of with
 * the segment itself: if the run dies before, another one may make the segment anew, of which nobody then has every part.
 */
export class RunAnnouncer {
  readonly #init: RunAnnouncerInit;
  readonly #edge: LiveEdge;
  readonly #initCids = new Map<string, string>();
  readonly #tracks = new Map<string, EdgeTrack>();
  readonly #startsMs = new Map<string, number>();
  readonly #leftOut = new Set<string>();
  #waiting: PartialSegment[] = [];
  #nextSequence: number;
  #over = false;

  constructor(init: RunAnnouncerInit, edge: LiveEdge) {
    this.#init = init;
    this.#edge = edge;
    this.#nextSequence = init.mediaSequence;
    const { run, mediaSequence, renditions } = init;
    edge.tell({ kind: 'run', run, mediaSequence, renditions });
  }

  begin(rendition: string, initCid: string, track: EdgeTrack): void {
    this.#tracks.set(rendition, track);
    this.#initCids.set(rendition, initCid);
    this.#flush();
  }

  /** Nothing more is waited for of a rendition. */
  leaveOut(rendition: string): void {
    this.#leftOut.add(rendition);
    this.#flush();
  }

  part(part: PartialSegment): void {
    if (this.#over) return;
    this.#waiting.push(part);
    this.#flush();
  }

  /** The segments of one media sequence number are on the log. */
  committed(segments: readonly Produced[]): void {
    if (this.#over) return;
    this.#flush(segments[0]?.mediaSequence);
    for (const { streamId: _stream, sessionId: _session, epoch: _epoch, initSizeBytes: _size, keyFrames = [], captions = [], ...segment } of segments) {
      const { track, startTicks, durationTicks } = segment;
      if (track === undefined || startTicks === undefined || durationTicks === undefined) continue;
      this.#edge.tell({ kind: 'segment', run: this.#init.run, ...segment, track, startTicks, durationTicks, keyFrames, captions });
      this.#nextSequence = segment.mediaSequence + 1;
    }
    // They are all that there are of their number, whether every rendition has one or not.
    this.#edge.tell({ kind: 'beat' });
    this.#flush();
  }

  /** Nothing of this run is told any more. */
  end(): void {
    this.#over = true;
    this.#waiting = [];
  }

  /** @param stored number of a segment that is on the log, and not told of yet */
  #flush(stored = -1): void {
    if (!this.#init.renditions.every((name) => this.#initCids.has(name) || this.#leftOut.has(name))) return;
    const later: PartialSegment[] = [];
    for (const part of this.#waiting) {
      if (part.mediaSequence > this.#nextSequence || (part.last && part.mediaSequence > stored)) later.push(part);
      else if (this.#initCids.has(part.rendition)) this.#tell(part);
    }
    this.#waiting = later;
  }

  #tell({ bytes, ...part }: PartialSegment): void {
    const { run, mediaSequence, programDateTime, breaks } = this.#init;
    const { rendition, index, startUs } = part;
    if (index === 0) this.#startsMs.set(rendition, programDateTime(startUs));
    this.#edge.tell(
      {
        ...{ kind: 'part', run, ...part },
        initCid: this.#initCids.get(rendition) as string,
        discontinuity: part.mediaSequence === mediaSequence && breaks(this.#initCids),
        programDateTimeMs: this.#startsMs.get(rendition) as number,
        ...(index === 0 ? { track: this.#tracks.get(rendition) } : {}),
      },
      bytes,
    );
  }
}
