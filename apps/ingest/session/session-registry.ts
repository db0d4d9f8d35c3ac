import { publishLeaseName, streamAggregate, type Endpoint } from '#domain/stream';
import { backOffMs, pause, type CommandExecutor, type Logger } from '#runtime';
import type { LeaseStore } from '#ports';
import type { RelayHub } from '../relay/relay-hub.ts';
import type { LiveSession, SessionEnd } from './live-session.ts';

export interface SessionRegistryDeps {
  readonly commands: CommandExecutor;
  readonly leases: LeaseStore;
  readonly hub: RelayHub;
  readonly logger: Logger;
}

/** Where a publisher sends: an endpoint of a stream. */
export interface Slot {
  readonly streamId: string;
  readonly endpoint: Endpoint;
}

/** Endpoints are told apart by the names of their leases. */
function nameOf({ streamId, endpoint }: Slot): string {
  return publishLeaseName(streamId, endpoint);
}

/** The sessions of this node. An endpoint is in here from the moment its admission begins until its end is on record. */
export class SessionRegistry {
  readonly #deps: SessionRegistryDeps;
  readonly #reserved = new Set<string>();
  readonly #live = new Map<string, LiveSession>();
  readonly #letGo = new WeakSet<LiveSession>();
  readonly #ending = new Map<string, Promise<void>>();

  constructor(deps: SessionRegistryDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#live.size;
  }

  get live(): readonly LiveSession[] {
    return [...this.#live.values()];
  }

  /** Those whose right to publish this node keeps up. */
  get holding(): readonly LiveSession[] {
    return this.live.filter((session) => !this.#letGo.has(session));
  }

  /** The session goes on, but another node may have the stream from now on. */
  letGo(session: LiveSession): void {
    this.#letGo.add(session);
  }

  find(slot: Slot): LiveSession | undefined {
    return this.#live.get(nameOf(slot));
  }

  /** True while this node has something to say about the endpoint: admitting, live, or recording an end. */
  concerns(slot: Slot): boolean {
    const name = nameOf(slot);
    return this.#reserved.has(name) || this.#live.has(name) || this.#ending.has(name);
  }

  /** Claims an endpoint for one admission; false when another one or a live session has it. */
  reserve(slot: Slot): boolean {
    const name = nameOf(slot);
    if (this.#reserved.has(name) || this.#live.has(name)) return false;
    this.#reserved.add(name);
    return true;
  }

  unreserve(slot: Slot): void {
    this.#reserved.delete(nameOf(slot));
  }

  add(session: LiveSession): void {
    this.#reserved.delete(nameOf(session));
    this.#live.set(nameOf(session), session);
  }

  /** Ends a session once: readers first, then the record, then the lease. Resolves when it is on record. */
  end(session: LiveSession, end: SessionEnd): Promise<void> {
    const { streamId, sessionId } = session;
    const name = nameOf(session);
    if (this.#live.get(name) !== session) return this.#ending.get(name) ?? Promise.resolve();
    this.#live.delete(name);
    this.#deps.hub.close(sessionId);
    this.#deps.logger.info({ streamId, sessionId, ...end }, `publisher gone: ${end.reason}`);
    const recorded = this.#record(session, end).finally(() => {
      if (this.#ending.get(name) === recorded) this.#ending.delete(name);
    });
    this.#ending.set(name, recorded);
    return recorded;
  }

  async endAll(end: SessionEnd, description: string): Promise<void> {
    const sessions = this.live;
    const ends = sessions.map((session) => this.end(session, end));
    for (const session of sessions) session.connection.end(description);
    await Promise.all([...ends, ...this.#ending.values()]);
  }

  /**
   * Tried until it is done: the database may be away. If this process ends before, the sweep of any node finds the stream
   * live without a lease and records the loss.
   */
  async #record(session: LiveSession, end: SessionEnd): Promise<void> {
    const { streamId, sessionId, lease } = session;
    for (let failures = 0; ; failures++) {
      try {
        const meta = { actor: `publisher:${sessionId}`, correlationId: sessionId };
        await this.#deps.commands.execute(streamAggregate, streamId, { type: 'Interrupt', streamId, sessionId, ...end }, meta);
        await this.#deps.leases.release(lease);
        return;
      } catch (err) {
        this.#deps.logger.warn({ err, streamId, sessionId }, 'the end of a session is not on record yet; trying again');
        await pause(backOffMs(failures, 200, 5_000));
      }
    }
  }
}
