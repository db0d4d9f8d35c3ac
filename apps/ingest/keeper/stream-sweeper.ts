import { publishersOf, publishLeaseName, streamAggregate, streamTable, type StreamCommand, type StreamState } from '#domain/stream';
import type { Millis } from '#kernel';
import type { AggregateStore, Clock, IdSource, LeaseStore, ReadStore } from '#ports';
import { pause, type CommandExecutor, type Health, type Logger } from '#runtime';
import type { SessionRegistry } from '../session/session-registry.ts';

type Live = Extract<StreamState, { status: 'live' }>;
type Interrupted = Extract<StreamState, { status: 'interrupted' }>;

export interface StreamSweeperInit {
  readonly node: string;
  readonly sweepMs: number;
}

export interface StreamSweeperDeps {
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly leases: LeaseStore;
  readonly reads: ReadStore;
  readonly registry: SessionRegistry;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly health?: Health;
}

/**
 * Brings what is on record and what is true together: a stream that is live on record but whose ingest is gone is
 * interrupted; one that waited longer than its grace is stopped; a session whose stream was stopped is ended. Any node
 * may do it for any stream: the stream's rules let each happen once.
 */
export class StreamSweeper {
  readonly #init: StreamSweeperInit;
  readonly #deps: StreamSweeperDeps;
  /** Since when the interrupted sessions wait. */
  #waitingSince = new Map<string, Millis>();
  #loop: Promise<void> | undefined;

  constructor(init: StreamSweeperInit, deps: StreamSweeperDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  start(signal: AbortSignal): void {
    this.#loop = this.#run(signal);
  }

  /** Resolves when a sweep under way has ended after the signal. */
  async stopped(): Promise<void> {
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const heart = this.#deps.health?.loop('sweeper', this.#init.sweepMs);
    while (!signal.aborted) {
      heart?.beat();
      try {
        await this.sweep();
      } catch (err) {
        this.#deps.logger.warn({ err }, 'a sweep failed; the next one tries again');
      }
      await pause(this.#init.sweepMs, signal);
    }
    heart?.end();
  }

  async sweep(): Promise<void> {
    const began = this.#deps.clock.now();
    const live = (await this.#deps.aggregates.find('stream', 'status', 'live')).map((head) => head.state as Live);
    this.#endStopped(live, began);
    await this.#interruptLost(live);
    const interrupted = (await this.#deps.aggregates.find('stream', 'status', 'interrupted')).map((head) => head.state as Interrupted);
    await this.#stopGone(interrupted);
  }

  /** A session that began before the sweep and is not live on record was stopped by an operator, or taken over. */
  #endStopped(live: readonly Live[], began: Millis): void {
    const sessions = new Set(live.flatMap((state) => publishersOf(state).map(({ sessionId }) => sessionId)));
    for (const session of this.#deps.registry.live) {
      if (session.startedAt >= began || sessions.has(session.sessionId)) continue;
      void this.#deps.registry.end(session, { reason: 'unpublished', detail: 'The stream was stopped.' });
      session.connection.end('The stream was stopped.');
    }
  }

  async #interruptLost(live: readonly Live[]): Promise<void> {
    const publishers = live.flatMap((state) => publishersOf(state).map((one) => ({ ...one, streamId: state.streamId })));
    const foreign = publishers.filter((one) => !this.#deps.registry.concerns(one));
    if (foreign.length === 0) return;
    const held = new Set((await this.#deps.leases.list('ingest/')).filter((lease) => !lease.expired).map((lease) => lease.name));
    for (const { streamId, sessionId, endpoint, node } of foreign) {
      if (this.#deps.registry.concerns({ streamId, endpoint })) continue;
      // Our own name on a session that this process does not know: it died with the process before.
      if (node !== this.#init.node && held.has(publishLeaseName(streamId, endpoint))) continue;
      const detail = `The ingest ${node} ended without saying so.`;
      await this.#execute({ type: 'Interrupt', streamId, sessionId, reason: 'ingest-lost', detail });
    }
  }

  async #stopGone(interrupted: readonly Interrupted[]): Promise<void> {
    const waiting = new Map<string, Millis>();
    for (const state of interrupted) {
      const since = this.#waitingSince.get(state.sessionId) ?? (await this.#interruptedAt(state));
      waiting.set(state.sessionId, since);
      if (this.#deps.clock.now() - since < state.graceMs || this.#isComing(state.streamId)) continue;
      const detail = `Nobody published again within ${state.graceMs} ms.`;
      await this.#execute({ type: 'Stop', streamId: state.streamId, sessionId: state.sessionId, reason: 'publisher-gone', detail });
    }
    this.#waitingSince = waiting;
  }

  #isComing(streamId: string): boolean {
    return (['primary', 'backup'] as const).some((endpoint) => this.#deps.registry.concerns({ streamId, endpoint }));
  }

  /** From the read model, where it has caught up; else from now on, which errs on the publisher's side. */
  async #interruptedAt(state: Interrupted): Promise<Millis> {
    const now = this.#deps.clock.now();
    const [row] = await this.#deps.reads.select(streamTable, { where: [{ column: 'stream_id', is: 'eq', value: state.streamId }], limit: 1 }).catch(() => []);
    const current = row?.['status'] === 'interrupted' && row['session_id'] === state.sessionId;
    return current ? Math.min(now, Number(row?.['status_at_ms'])) : now;
  }

  async #execute(command: StreamCommand): Promise<void> {
    const meta = { actor: 'system:ingest', correlationId: this.#deps.ids.next() };
    const result = await this.#deps.commands.execute(streamAggregate, command.streamId, command, meta);
    const said = result.refused ? { refused: result.code } : { events: result.events.length };
    this.#deps.logger.info({ ...command, ...said }, `sweep: ${command.type} ${command.streamId}`);
  }
}
