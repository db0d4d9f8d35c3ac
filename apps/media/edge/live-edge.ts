import { encodeEdgeFrame, type EdgeMessage, type EdgeRun } from '#core/live-edge';
import type { EdgeReader } from './edge-reader.ts';

interface Kept {
  readonly message: Exclude<EdgeMessage, { kind: 'beat' }>;
  /** Of a part. */
  readonly bytes: Uint8Array;
}

/** Segments of which the parts are kept for gateways that join: a part may be asked for for six target durations (6.2.2). */
const segmentsKept = 8;
const nothing = new Uint8Array(0);

/** What a stream's encoder has made last, for any number of gateways. */
export class LiveEdge {
  readonly #readers = new Set<EdgeReader>();
  /** All that were encoded since the stream is held here: who follows one may follow on. */
  readonly #sessionIds = new Set<string>();
  /** Told when the first reader joins, and when the last one leaves. */
  onWatched: (() => void) | undefined;
  #kept: Kept[] = [];
  /** The run that made the oldest that is kept. */
  #runBefore: EdgeRun | undefined;
  #announcedSequence = -1;
  #passed = -1;
  /** Configuration of the run that tells now, and of the one that announced the newest part. */
  #configuration = '';
  #announcedBy = '';

  /**
   * Greatest media sequence number of a part that was announced; -1 for none. It must not become something else any more.
   * @param configuration of the encoder that is to run: what its output depends on but for its input
   */
  announced(configuration: string): { readonly sequence: number; readonly passed: number; readonly likewise: boolean; readonly known: boolean } {
    return {
      sequence: this.#announcedSequence,
      passed: this.#passed,
      likewise: configuration === this.#announcedBy,
      known: this.#configuration !== '',
    };
  }

  /**
   * An encoder of that configuration begins with that number; those before it are stored, or taken for good.
   * @param toldUntil greatest number of which others may have told parts
   */
  configure(configuration: string, mediaSequence: number, toldUntil = mediaSequence - 1): void {
    this.#configuration = configuration;
    this.#passed = Math.max(this.#passed, mediaSequence - 1);
    this.#announcedSequence = Math.max(this.#announcedSequence, this.#passed, toldUntil);
  }

  get readers(): number {
    return this.#readers.size;
  }

  open(sessionId: string): void {
    this.#sessionIds.add(sessionId);
  }

  /** The stream is not encoded here any more. Whoever follows looks for its successor. */
  close(): void {
    this.#sessionIds.clear();
    this.#kept = [];
    this.#runBefore = undefined;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  encodes(sessionId: string): boolean {
    return this.#sessionIds.has(sessionId);
  }

  /** With a beat behind what there is: then it is all. */
  join(reader: EdgeReader): void {
    this.#readers.add(reader);
    if (this.#runBefore !== undefined) reader.send(framed(this.#runBefore, nothing));
    for (const { message, bytes } of this.#kept) reader.send(framed(message, bytes));
    reader.send(framed({ kind: 'beat' }, nothing));
    if (this.#readers.size === 1) this.onWatched?.();
  }

  leave(reader: EdgeReader): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.onWatched?.();
  }

  /** @param bytes of a part */
  tell(message: EdgeMessage, bytes: Uint8Array = nothing): void {
    // Most streams are played by nobody now: nothing is encoded for them.
    if (this.#readers.size > 0) {
      const pieces = framed(message, bytes);
      for (const reader of this.#readers) reader.send(pieces);
    }
    if (message.kind === 'beat') return;
    if (message.kind === 'part') {
      this.#announcedSequence = Math.max(this.#announcedSequence, message.mediaSequence);
      this.#announcedBy = this.#configuration;
    }
    this.#kept.push({ message, bytes });
    const from = message.mediaSequence - segmentsKept;
    while ((this.#kept[0]?.message.mediaSequence ?? from) < from) {
      const gone = this.#kept.shift()?.message;
      if (gone?.kind === 'run') this.#runBefore = gone;
    }
  }
}

function framed(message: EdgeMessage, bytes: Uint8Array): readonly Uint8Array[] {
  return bytes.length === 0 ? [encodeEdgeFrame(message, 0)] : [encodeEdgeFrame(message, bytes.length), bytes];
}
