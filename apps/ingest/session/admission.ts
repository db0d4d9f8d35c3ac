import { parseStreamKey, streamAggregate, streamDecider, type StartPublishing, type StreamState } from '#domain/stream';
import { hasCode, OperatingError, type Millis } from '#kernel';
import type { AggregateStore, Clock, IdSource, Lease, LeaseStore } from '#ports';
import { backOffMs, pause, type CommandExecutor, type Logger } from '#runtime';
import { createHash } from 'node:crypto';
import type { RelayHub } from '../relay/relay-hub.ts';
import type { LiveSession, SessionConnection } from './live-session.ts';
import type { Rejections } from './rejections.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { TenantGate } from './tenant-gate.ts';

export interface AdmissionInit {
  readonly node: string;
  readonly leaseTtlMs: number;
  readonly admissionMs: number;
  readonly takeoverSilenceMs: number;
  /** Where packagers fetch a stream. */
  readonly relayUrlOf: (streamId: string) => string;
}

export interface AdmissionDeps {
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly hub: RelayHub;
  readonly registry: SessionRegistry;
  readonly rejections: Rejections;
  readonly tenants: TenantGate;
  readonly logger: Logger;
}

export interface AdmissionRequest {
  readonly key: string;
  readonly endpoint: 'primary' | 'backup';
  readonly remoteAddress: string;
  readonly connection: SessionConnection;
  /** Aborted when the publisher has gone meanwhile. */
  readonly signal: AbortSignal;
}

export type AdmissionResult = { readonly admitted: true; readonly session: LiveSession } | { readonly admitted: false; readonly description: string };

const badKey = "The stream key is not valid. Copy it again from the stream's page.";
const suspended = 'This tenant is suspended. Ask those who run this platform.';
const unavailable = 'The server cannot check the stream key right now. Try again in a few seconds.';

/** Greater than any epoch: what the stream's rules say about a publisher who holds every right but the key. */
const epochOfTrial = Number.MAX_SAFE_INTEGER;

function refused(description: string): AdmissionResult {
  return { admitted: false, description };
}

/** Decides about publishers: key, stream, rivals; then lease, then the command that makes it a fact. */
export class Admission {
  readonly #init: AdmissionInit;
  readonly #deps: AdmissionDeps;

  constructor(init: AdmissionInit, deps: AdmissionDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Never throws. A database that is away is waited for, up to a bound. */
  async admit(request: AdmissionRequest): Promise<AdmissionResult> {
    const key = parseStreamKey(request.key);
    if (key === undefined) {
      this.#deps.rejections.record({ streamId: '', reason: 'bad-key', detail: badKey, remoteAddress: request.remoteAddress });
      return refused(badKey);
    }
    const command = this.#command(request, key.streamId, key.secret);
    const deadline = this.#deps.clock.now() + this.#init.admissionMs;
    for (let failures = 0; ; failures++) {
      try {
        return await this.#try(request, command);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        const wait = backOffMs(failures, 100, 1_000);
        if (request.signal.aborted || this.#deps.clock.now() + wait > deadline) return this.#giveUp(request, command, error);
        await pause(wait, request.signal);
      }
    }
  }

  #command(request: AdmissionRequest, streamId: string, secret: string): StartPublishing {
    const { endpoint, remoteAddress } = request;
    const secretHash = createHash('sha256').update(secret).digest('hex');
    const { node, relayUrlOf } = this.#init;
    return {
      type: 'StartPublishing',
      streamId,
      secretHash,
      sessionId: this.#deps.ids.next(),
      epoch: 0,
      endpoint,
      remoteAddress,
      node,
      relayUrl: relayUrlOf(streamId),
    };
  }

  #giveUp(request: AdmissionRequest, command: StartPublishing, err: unknown): AdmissionResult {
    this.#deps.logger.warn({ err, streamId: command.streamId }, 'a publisher was refused because the database is away');
    this.#deps.rejections.record({ streamId: command.streamId, reason: 'busy', detail: unavailable, remoteAddress: request.remoteAddress });
    return refused(unavailable);
  }

  #turnAway({ remoteAddress }: AdmissionRequest, { streamId }: StartPublishing): AdmissionResult {
    this.#deps.rejections.record({ streamId, reason: 'tenant-suspended', detail: suspended, remoteAddress });
    return refused(suspended);
  }

  async #try(request: AdmissionRequest, command: StartPublishing): Promise<AdmissionResult> {
    const head = await this.#deps.aggregates.load('stream', command.streamId);
    const state = head === undefined ? streamDecider.initialState : (head.state as StreamState);
    // Nobody who lacks the key gets as far as the lease: taking it would fence the rightful publisher.
    if (head === undefined || streamDecider.decide({ ...command, epoch: epochOfTrial }, state).refused) return this.#refuse(request, command);
    if (await this.#deps.tenants.isSuspended(head.tenant)) return this.#turnAway(request, command);
    await this.#retireSilent(command.streamId);
    if (!this.#deps.registry.reserve(command.streamId)) return this.#refuse(request, command);
    try {
      return await this.#start(request, command, head.tenant);
    } finally {
      this.#deps.registry.unreserve(command.streamId);
    }
  }

  /** A connection whose peer vanished blocks nobody: the key's owner takes over. */
  async #retireSilent(streamId: string): Promise<void> {
    const rival = this.#deps.registry.find(streamId);
    if (rival === undefined || this.#deps.clock.now() - rival.connection.lastByteAt < this.#init.takeoverSilenceMs) return;
    const ended = this.#deps.registry.end(rival, { reason: 'stalled', detail: 'Another connection with the same key took over.' });
    rival.connection.end('Another connection with the same key took over.');
    await ended;
  }

  async #start(request: AdmissionRequest, command: StartPublishing, tenant: string): Promise<AdmissionResult> {
    const lease = await this.#deps.leases.acquire(`ingest/${command.streamId}`, this.#init.node, this.#init.leaseTtlMs);
    if (lease === undefined) return this.#refuse(request, command);
    try {
      const result = await this.#execute({ ...command, epoch: Number(lease.epoch) });
      if (!result.refused) return this.#admitted(request, command, lease, tenant);
      await this.#deps.leases.release(lease);
      return refused(result.message);
    } catch (error) {
      await this.#deps.leases.release(lease).catch(() => undefined);
      throw error;
    }
  }

  #admitted(request: AdmissionRequest, { streamId, sessionId }: StartPublishing, lease: Lease, tenant: string): AdmissionResult {
    const { remoteAddress, connection } = request;
    const relay = this.#deps.hub.open(streamId, sessionId);
    const startedAt: Millis = this.#deps.clock.now();
    const session: LiveSession = { streamId, tenant, sessionId, lease, relay, remoteAddress, startedAt, connection };
    this.#deps.registry.add(session);
    this.#deps.logger.info({ streamId, sessionId, epoch: Number(lease.epoch) }, 'publisher admitted');
    return { admitted: true, session };
  }

  /** Has the stream's rules find the reason, and puts it on record if the guard allows one more. */
  async #refuse(request: AdmissionRequest, command: StartPublishing): Promise<AdmissionResult> {
    if (!this.#deps.rejections.allows(request.remoteAddress))
      return refused('The publisher was refused too often. Check the stream key, then try again in a minute.');
    const result = await this.#execute(command);
    // The stream was freed between the two looks at it: the encoder's next attempt will succeed.
    if (!result.refused) return refused('The stream is changing hands. Try again.');
    this.#deps.rejections.count(result.code);
    this.#deps.logger.info({ streamId: command.streamId, reason: result.code }, `publisher refused: ${result.code}`);
    return refused(result.message);
  }

  #execute(command: StartPublishing): ReturnType<CommandExecutor['execute']> {
    const meta = { actor: `publisher:${command.sessionId}`, correlationId: command.sessionId };
    return this.#deps.commands.execute(streamAggregate, command.streamId, command, meta);
  }
}

/** Anything the database says while it goes away or comes back. */
function isRetryable(error: unknown): boolean {
  return error instanceof OperatingError ? error.retryable || hasCode(error, 'VERSION_CONFLICT') : true;
}
