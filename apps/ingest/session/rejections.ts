import { streamAggregate, type RejectReason } from '#domain/stream';
import type { Clock, IdSource } from '#ports';
import { metrics, type CommandExecutor, type Logger, type Telemetry } from '#runtime';
import { RejectionGuard } from './rejection-guard.ts';

export interface Rejection {
  /** Empty when the publisher named none. */
  readonly streamId: string;
  readonly reason: RejectReason;
  readonly detail: string;
  readonly remoteAddress: string;
}

export interface RejectionsDeps {
  readonly commands: CommandExecutor;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly node: string;
  readonly telemetry?: Telemetry;
}

const waitingMax = 256;

/** The host of `host:port`, IPv6 in brackets or not. */
export function hostOf(remoteAddress: string): string {
  return remoteAddress.slice(0, Math.max(0, remoteAddress.lastIndexOf(':')));
}

/** Puts refusals on record as `stream.publish-rejected`, as far as the guard lets them. */
export class Rejections {
  readonly #deps: RejectionsDeps;
  readonly #guard: RejectionGuard;
  #waiting = 0;

  constructor(deps: RejectionsDeps) {
    this.#deps = deps;
    this.#guard = new RejectionGuard(deps.clock.now());
  }

  /** Asks for leave to record one refusal of this address; using it up. */
  allows(remoteAddress: string): boolean {
    return this.#guard.allows(hostOf(remoteAddress), this.#deps.clock.now());
  }

  /** Counts a refusal, on record or not. Reasons are the few of the stream's rules. */
  count(reason: string): void {
    this.#deps.telemetry?.meter.counter(metrics.rejections).add(1, { reason });
  }

  /** Records a refusal that was decided here. A database that is away costs the record, never the answer. */
  record(rejection: Rejection): void {
    const { logger, node } = this.#deps;
    this.count(rejection.reason);
    if (!this.allows(rejection.remoteAddress) || this.#waiting >= waitingMax) return;
    // Without the address: logs are not encrypted, and nobody can erase from them.
    const { streamId, reason, detail } = rejection;
    logger.info({ streamId, reason, detail, suppressed: this.#guard.takeSuppressed() }, `publisher refused: ${rejection.reason}`);
    const meta = { actor: `publisher:${rejection.streamId || 'unknown'}`, correlationId: this.#deps.ids.next() };
    const id = rejection.streamId || rejection.remoteAddress;
    this.#waiting += 1;
    this.#deps.commands
      .execute(streamAggregate, id, { type: 'RejectPublish', ...rejection, detail: rejection.detail.slice(0, 1000), node }, meta)
      .catch((err: unknown) => logger.warn({ err }, 'a refusal could not be recorded'))
      .finally(() => (this.#waiting -= 1));
  }
}
