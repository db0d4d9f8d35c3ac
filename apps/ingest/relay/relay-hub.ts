import { RelayStream, type RelayShare } from './relay-stream.ts';

export interface RelayHubInit {
  /** Bytes for the groups of pictures of all sessions together. */
  readonly gopBytesTotal: number;
  /** Bytes for the group of pictures of one session, however few there are. */
  readonly gopBytesMax: number;
  /** Media that is kept for packagers that are away: of each session, ms, and of all together, bytes. */
  readonly keepMsMax: number;
  readonly keepBytesTotal: number;
}

/** When there is too much, so much of the budget is used again: it is not looked for the greatest with each frame. */
const relieved = 0.9;
/** Where nobody has to give up anything, it is looked again when so much more is kept. */
const lookAgain = 1.05;

/** What each session gets even when there are many, bytes: a key frame and what follows it for a moment. */
const gopBytesMin = 256 * 1024;

/**
 * The sessions that can be read. Their groups of pictures share one budget: with few sessions each keeps a
 * whole group for readers that join, with many a reader may have to wait for the next key frame. What is kept for packagers shares
 * another one; where that is used up, the session that keeps most gives up its oldest group, unless it keeps hardly more than one.
 */
export class RelayHub implements RelayShare {
  readonly #init: RelayHubInit;
  /** By session: a stream has one per endpoint. */
  readonly #streams = new Map<string, { readonly streamId: string; readonly stream: RelayStream }>();

  #keptBytes = 0;
  /** More is too much. */
  #keptBytesMax: number;
  #hasKeepers = false;

  constructor(init: RelayHubInit) {
    this.#init = init;
    this.#keptBytesMax = init.keepBytesTotal;
  }

  get keepMsMax(): number {
    return this.#init.keepBytesTotal === 0 ? 0 : this.#init.keepMsMax;
  }

  get hasKeepers(): boolean {
    return this.#hasKeepers;
  }

  /** What is kept for packagers, bytes. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  keeps(): void {
    this.#hasKeepers = true;
  }

  held(bytes: number): void {
    this.#keptBytes += bytes;
    const { keepBytesTotal } = this.#init;
    if (this.#keptBytes <= keepBytesTotal) this.#keptBytesMax = keepBytesTotal;
    if (bytes < 0 || this.#keptBytes <= this.#keptBytesMax) return;
    while (this.#keptBytes > keepBytesTotal * relieved && this.#greatest()?.giveUpOldest() === true);
    this.#keptBytesMax = Math.max(keepBytesTotal, this.#keptBytes * lookAgain);
  }

  /** What one session may keep now, bytes. */
  get gopBytesMax(): number {
    const { gopBytesTotal, gopBytesMax } = this.#init;
    return Math.min(gopBytesMax, Math.max(gopBytesMin, gopBytesTotal / this.#streams.size));
  }

  #greatest(): RelayStream | undefined {
    let greatest: RelayStream | undefined;
    for (const { stream } of this.#streams.values()) if (stream.keptBytes > (greatest?.keptBytes ?? gopBytesMin)) greatest = stream;
    return greatest;
  }

  open(streamId: string, sessionId: string): RelayStream {
    const stream = new RelayStream(sessionId, this);
    this.#streams.set(sessionId, { streamId, stream });
    return stream;
  }

  find(streamId: string, sessionId: string): RelayStream | undefined {
    const found = this.#streams.get(sessionId);
    return found?.streamId === streamId ? found.stream : undefined;
  }

  close(sessionId: string): void {
    const found = this.#streams.get(sessionId);
    this.#streams.delete(sessionId);
    found?.stream.close();
  }
}
