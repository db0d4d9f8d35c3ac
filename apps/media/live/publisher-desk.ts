import type { Logger } from '#runtime';
import { FailoverMachine, type FailoverInput, type SwitchEffect } from '../failover/failover-machine.core.ts';
import { activeSession, type LiveSession, type StreamState } from '../fold/stream-fold.core.ts';
import type { StreamFollower } from '../fold/stream-follower.ts';
import { sessionEnd, storedUntilMs } from '../run/run-plan.core.ts';
import { PublisherSource } from './publisher-source.ts';

export interface PublisherDeskInit {
  readonly streamId: string;
  readonly feedBytesMax: number;
  readonly silenceMs: number;
  readonly returnMs: number;
}

export interface PublisherDeskDeps {
  readonly follower: StreamFollower;
  readonly logger: Logger;
  readonly onSwitch: (effect: SwitchEffect) => void;
  /** Publishers came or went. */
  readonly onPublishers?: () => void;
}

/** Media of the publisher in waiting that is kept: the silence that calls for it, what was not yet encoded then, a group of pictures. */
const warmMs = 12_000;

/**
 * The publishers of one stream, as the log names them: reads both, keeps the one in waiting warm, and has the failover
 * machine judge them. Which one is in use is what the log says.
 */
export class PublisherDesk {
  readonly #init: PublisherDeskInit;
  readonly #deps: PublisherDeskDeps;
  readonly #sources = new Map<string, PublisherSource>();
  readonly #machine: FailoverMachine;
  #unlisten = (): void => {};
  #requestId: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: Array<() => void> = [];
  #closed = false;

  constructor(init: PublisherDeskInit, deps: PublisherDeskDeps) {
    this.#init = init;
    this.#deps = deps;
    const state = this.#state;
    const { silenceMs, returnMs } = init;
    const session = activeSession(state);
    this.#requestId = state?.request?.id;
    // Where the one of before is gone, it is gone over from: whoever held the stream before may have died with it.
    const endpoint = session?.endpoint ?? (state && endpointBefore(state));
    const active = state?.active && endpoint && { sessionId: state.active.sessionId, endpoint };
    this.#machine = new FailoverMachine({ silenceMs, returnMs, preferred: state?.request?.to ?? 'primary', active });
  }

  open(): void {
    this.#unlisten = this.#deps.follower.onChangeOf(this.#init.streamId, () => this.#look());
    this.#look();
  }

  /** How many publish, as the log tells it. */
  get publishers(): number {
    return this.#state?.sessions.length ?? 0;
  }

  /** The source in use; undefined while there is none that may bring something. */
  get active(): PublisherSource | undefined {
    const session = activeSession(this.#state);
    const source = session && this.#sources.get(session.sessionId);
    return source?.feed === undefined ? undefined : source;
  }

  /** For how long media may be held back that makes no segment sooner, ms. */
  gather(ms: number): void {
    for (const source of this.#sources.values()) source.gather(ms);
  }

  source(sessionId: string): PublisherSource | undefined {
    return this.#sources.get(sessionId);
  }

  /** Resolves when a source, its feed or the log's word changed. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.push(done);
    });
  }

  /** All switches are on the log, or were overtaken there. */
  settle(): void {
    this.#step({ kind: 'settled', active: this.#state?.active?.sessionId });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    clearTimeout(this.#timer);
    await Promise.all([...this.#sources.values()].map((source) => source.close()));
    this.#wake();
  }

  get #state(): StreamState | undefined {
    return this.#deps.follower.get(this.#init.streamId);
  }

  #look(): void {
    const state = this.#state;
    const sessions = state?.sessions ?? [];
    for (const session of sessions) {
      const source = this.#sources.get(session.sessionId);
      if (source === undefined) this.#open(session);
      else source.session = session;
    }
    this.#deps.onPublishers?.();
    for (const [sessionId, source] of this.#sources) if (!sessions.some((one) => one.sessionId === sessionId)) this.#endSoon(source);
    const lost = state?.lastEnd?.reason === 'ingest-lost' ? state.lastEnd.sessionId : undefined;
    if (lost !== undefined) this.#step({ kind: 'over', sessionId: lost, reason: 'lease-lost' });
    this.#step({ kind: 'publishers', publishers: sessions.map(({ sessionId, endpoint }) => ({ sessionId, endpoint })), active: state?.active?.sessionId });
    const request = state?.request;
    if (request !== undefined && request.id !== this.#requestId) {
      this.#requestId = request.id;
      this.#step({ kind: 'request', to: request.to });
    }
    this.#wake();
  }

  #open(session: LiveSession): void {
    const { feedBytesMax } = this.#init;
    const logger = this.#deps.logger.child({ sessionId: session.sessionId });
    const source = new PublisherSource(
      { session, feedBytesMax, storedMs: () => this.#storedMs(session.sessionId) },
      {
        logger,
        onMedia: (one, keyFrame) => this.#heard(one, keyFrame),
        onEnd: ({ session: { sessionId } }, end) => this.#step(end === 'broken' ? { kind: 'cut', sessionId } : { kind: 'over', sessionId, reason: 'closed' }),
        onFeed: () => this.#wake(),
      },
    );
    this.#sources.set(session.sessionId, source);
  }

  #storedMs(sessionId: string): number {
    const state = this.#state;
    const session = state?.sessions.find((one) => one.sessionId === sessionId);
    const end = state && session && sessionEnd(state, session);
    return end === undefined ? 0 : storedUntilMs(end);
  }

  /** Forgotten once nobody can ask for it: what is left of it may still be encoded. */
  #endSoon(source: PublisherSource): void {
    source.endSoon();
    const { sessionId } = source.session;
    if (source.over && this.#state?.active?.sessionId !== sessionId) this.#sources.delete(sessionId);
  }

  #heard(source: PublisherSource, keyFrame: boolean): void {
    const { sessionId } = source.session;
    this.#step({ kind: 'media', sessionId, keyFrame });
    const media = source.feed?.media;
    if (!keyFrame || media === undefined || this.#state?.active?.sessionId === sessionId) return;
    media.keepSince(media.latestMs - warmMs);
    // Kept warm here: the relay needs not do so as well.
    source.stored(media.latestMs);
  }

  #step(input: FailoverInput): void {
    if (this.#closed) return;
    for (const effect of this.#machine.step(input, performance.now())) this.#deps.onSwitch(effect);
    const deadline = this.#machine.nextDeadline();
    if (this.#timer !== undefined || deadline === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#step({ kind: 'tick' });
      },
      Math.max(1, deadline - performance.now()),
    );
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Of a publisher that is gone the log's fold keeps no endpoint: it is not where the ones that are there publish. */
function endpointBefore({ sessions }: StreamState): LiveSession['endpoint'] {
  return sessions.some(({ endpoint }) => endpoint === 'primary') ? 'backup' : 'primary';
}
