import { lastEpoch, parseStreamKey, publishLeaseName, streamAggregate, streamDecider, type StartPublishing, type StreamState } from '#domain/stream';
import { hasCode, OperatingError, type Millis } from '#kernel';
import type { AggregateStore, Clock, IdSource, Lease, LeaseStore } from '#ports';
import { backOffMs, pause, type CommandExecutor, type Logger } from '#runtime';
import { createHash } from 'node:crypto';
import type { HookVerdict } from '../permit/admission-hook.ts';
import { isRefusal, type Refusal } from '../permit/permit.types.ts';
import type { PublishPermits } from '../permit/publish-permits.ts';
import type { RelayHub } from '../relay/relay-hub.ts';
import type { LiveSession, SessionConnection } from './live-session.ts';
import { hostOf, type Rejections } from './rejections.ts';
import type { Rivals } from './rivals.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { TenantGate } from './tenant-gate.ts';

export interface AdmissionInit {
  readonly node: string;
  readonly leaseTtlMs: number;
  readonly admissionMs: number;
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
  readonly permits: PublishPermits;
  readonly rivals: Rivals;
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

/** Who wants to publish what, and by which right. */
interface Shown {
  readonly streamId: string;
  /** Null for a token. */
  readonly secretHash: string | null;
  /** That the stream must belong to; undefined where the key tells. */
  readonly tenant: string | undefined;
}

/** One publisher's way through admission, over the tries that a database which is away may take. */
interface Attempt {
  readonly request: AdmissionRequest;
  command: StartPublishing;
  tenant: string | undefined;
  /** Of the operator's service. */
  verdict: HookVerdict | undefined;
}

const badKey = "The stream key is not valid. Copy it again from the stream's page.";
const unknownStream: Refusal = { reason: 'unknown-stream', detail: 'There is no such stream. Create it first.' };
const suspended = 'This tenant is suspended. Ask those who run this platform.';
const unavailable = 'The server cannot check the stream key right now. Try again in a few seconds.';

/** Greater than any epoch: what the stream's rules say about a publisher who holds every right but the key. */
const epochOfTrial = Number.MAX_SAFE_INTEGER;

/** Epochs that a new lease may be behind, at most. */
const epochStepsMax = 1_000;

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
    const shown = await this.#shown(request);
    if (isRefusal(shown)) return this.#turnAway(request, '', shown);
    const attempt: Attempt = { request, tenant: shown.tenant, command: this.#command(request, shown), verdict: undefined };
    const deadline = this.#deps.clock.now() + this.#init.admissionMs;
    for (let failures = 0; ; failures++) {
      try {
        return await this.#try(attempt);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        const wait = backOffMs(failures, 100, 1_000);
        if (request.signal.aborted || this.#deps.clock.now() + wait > deadline) return this.#giveUp(request, attempt.command, error);
        await pause(wait, request.signal);
      }
    }
  }

  /** A publisher that was let in was ended for what it sends: beyond its tenant's limits, or in a codec that nobody can carry. */
  breached(session: Pick<LiveSession, 'streamId' | 'endpoint'>, refusal: Refusal): void {
    this.#deps.permits.breached(session, refusal);
  }

  /** What the publisher shows for itself, where it comes from included. */
  async #shown({ key, remoteAddress }: AdmissionRequest): Promise<Shown | Refusal> {
    const stranger = this.#deps.permits.source(hostOf(remoteAddress));
    if (stranger !== undefined) return stranger;
    const token = await this.#deps.permits.token(key);
    if (token !== undefined) return isRefusal(token) ? token : { ...token, secretHash: null };
    const parsed = parseStreamKey(key);
    if (parsed === undefined) return { reason: 'bad-key', detail: badKey };
    return { streamId: parsed.streamId, secretHash: createHash('sha256').update(parsed.secret).digest('hex'), tenant: undefined };
  }

  #command(request: AdmissionRequest, { streamId, secretHash }: Shown): StartPublishing {
    const { endpoint, remoteAddress } = request;
    const { node, relayUrlOf } = this.#init;
    return {
      type: 'StartPublishing',
      streamId,
      secretHash,
      sessionId: this.#deps.ids.next(),
      nowMs: this.#deps.clock.now(),
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

  #turnAway({ remoteAddress }: AdmissionRequest, streamId: string, refusal: Refusal): AdmissionResult {
    this.#deps.rejections.record({ streamId, ...refusal, remoteAddress });
    return refused(refusal.detail);
  }

  async #try(attempt: Attempt): Promise<AdmissionResult> {
    const { request, command } = attempt;
    const head = await this.#deps.aggregates.load('stream', command.streamId);
    const state = head === undefined ? streamDecider.initialState : (head.state as StreamState);
    // A stranger's stream and one that is not there look the same, its rules included.
    if (head !== undefined && attempt.tenant !== undefined && attempt.tenant !== head.tenant) return this.#turnAway(request, command.streamId, unknownStream);
    // Nobody who lacks the key gets as far as the lease: taking it would fence the rightful publisher.
    if (head === undefined || streamDecider.decide({ ...command, epoch: epochOfTrial }, state).refused) return this.#refuse(request, command, state);
    const refusal = await this.#refusalOf(attempt, head.tenant);
    if (refusal !== undefined) return this.#turnAway(request, command.streamId, refusal);
    const renamed = attempt.verdict?.streamId;
    // The operator's service vouches for the other stream; its own rules are asked as for any.
    if (renamed !== undefined && renamed !== command.streamId) {
      const { relayUrlOf } = this.#init;
      attempt.command = { ...command, streamId: renamed, secretHash: null, relayUrl: relayUrlOf(renamed) };
      attempt.tenant = head.tenant;
      return this.#try(attempt);
    }
    await this.#deps.rivals.retire(command, request.signal);
    if (!this.#deps.registry.reserve(command)) return this.#refuse(request, command, state);
    try {
      return await this.#start(attempt, head.tenant, state);
    } finally {
      this.#deps.registry.unreserve(command);
    }
  }

  /** What others than the stream's rules have against it. The operator's service is asked once, and last. */
  async #refusalOf(attempt: Attempt, tenant: string): Promise<Refusal | undefined> {
    const { permits, tenants } = this.#deps;
    const { command, request } = attempt;
    if (await tenants.isSuspended(tenant)) return { reason: 'tenant-suspended', detail: suspended };
    const again = permits.again(command);
    if (again !== undefined) return again;
    const full = await permits.room(tenant, command.streamId);
    if (full !== undefined || attempt.verdict !== undefined) return full;
    const { streamId, endpoint, remoteAddress, node, sessionId } = command;
    const verdict = await permits.word({ streamId, tenant, endpoint, remoteAddress, node, sessionId }, request.signal);
    if (isRefusal(verdict)) return verdict;
    attempt.verdict = verdict;
    return undefined;
  }

  async #start(attempt: Attempt, tenant: string, state: StreamState): Promise<AdmissionResult> {
    const { request, command } = attempt;
    const lease = (await this.#lease(command, state)) ?? ((await this.#deps.rivals.evict(command, state)) ? await this.#lease(command, state) : undefined);
    if (lease === undefined) return this.#refuse(request, command, state);
    try {
      const result = await this.#execute({ ...command, epoch: Number(lease.epoch) });
      if (!result.refused) return this.#admitted(attempt, lease, tenant);
      await this.#deps.leases.release(lease);
      return refused(result.message);
    } catch (error) {
      await this.#deps.leases.release(lease).catch(() => undefined);
      throw error;
    }
  }

  /** A database that was made anew counts epochs from the beginning, and the log does not forget them: ours goes beyond what it knows. */
  async #lease(command: StartPublishing, state: StreamState): Promise<Lease | undefined> {
    const { streamId, endpoint } = command;
    const take = (): Promise<Lease | undefined> => this.#deps.leases.acquire(publishLeaseName(streamId, endpoint), this.#init.node, this.#init.leaseTtlMs);
    let lease = await take();
    for (let tries = 0; lease !== undefined && Number(lease.epoch) <= lastEpoch(state, endpoint) && tries < epochStepsMax; tries++) lease = await take();
    return lease;
  }

  #admitted({ request, command, verdict }: Attempt, lease: Lease, tenant: string): AdmissionResult {
    const { streamId, sessionId, endpoint } = command;
    const { remoteAddress, connection } = request;
    const relay = this.#deps.hub.open(streamId, sessionId);
    const startedAt: Millis = this.#deps.clock.now();
    const limits = this.#deps.permits.limitsOf(tenant);
    const endsAt = verdict?.lifetimeMs === undefined ? undefined : startedAt + verdict.lifetimeMs;
    const session: LiveSession = { streamId, tenant, sessionId, endpoint, lease, relay, remoteAddress, startedAt, connection, limits, endsAt };
    this.#deps.registry.add(session);
    this.#deps.logger.info({ streamId, sessionId, endpoint, epoch: Number(lease.epoch) }, 'publisher admitted');
    return { admitted: true, session };
  }

  /** Has the stream's rules find the reason, and puts it on record if the guard allows one more: it is told all the same. */
  async #refuse(request: AdmissionRequest, command: StartPublishing, state: StreamState): Promise<AdmissionResult> {
    const isRecorded = this.#deps.rejections.allows(request.remoteAddress);
    const result = isRecorded ? await this.#execute(command) : streamDecider.decide(command, state);
    // The stream was freed between the two looks at it: the encoder's next attempt will succeed.
    if (!result.refused) return refused('The stream is changing hands. Try again.');
    if (!isRecorded) return refused(result.message);
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
