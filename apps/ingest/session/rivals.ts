import { publishersOf, publishLeaseName, type StartPublishing, type StreamState } from '#domain/stream';
import type { Clock, LeaseStore } from '#ports';
import { pause, type Logger } from '#runtime';
import { silentMsHeader } from '../relay/relay-server.ts';
import type { LiveSession } from './live-session.ts';
import { hostOf } from './rejections.ts';
import type { SessionRegistry } from './session-registry.ts';
import { TakeoverPace } from './takeover-pace.ts';

export interface RivalsInit {
  readonly node: string;
  /** Media silence after which a second publisher with the right key takes over from the first. */
  readonly takeoverSilenceMs: number;
}

export interface RivalsDeps {
  readonly registry: SessionRegistry;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookEveryMs = 50;
/** A newcomer is kept waiting no longer than this for a rival to fall silent. */
const waitMsMax = 1_000;
/** A node that does not say within this how its session is, is gone. */
const askMsMax = 700;
const tookOver = 'Another connection with the same key took over.';

/** What becomes of a publisher whose place another one with the same right wants: one that sends stays, a dead one gives way. */
export class Rivals {
  readonly #init: RivalsInit;
  readonly #deps: RivalsDeps;
  readonly #pace: TakeoverPace;

  constructor(init: RivalsInit, deps: RivalsDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#pace = new TakeoverPace(init.takeoverSilenceMs);
  }

  /** Ends this node's session at the endpoint if it stays silent; the newcomer waits for that up to a second. */
  async retire(command: StartPublishing, signal: AbortSignal): Promise<void> {
    const { registry, clock } = this.#deps;
    const rival = registry.find(command);
    if (rival === undefined) return;
    const slot = publishLeaseName(command.streamId, command.endpoint);
    const isSameHost = hostOf(rival.remoteAddress) === hostOf(command.remoteAddress);
    if (!(await this.#staysSilent(rival, this.#pace.silenceMs(slot, isSameHost, clock.now()), signal))) return;
    this.#pace.tookOver(slot, isSameHost, clock.now());
    const ended = registry.end(rival, { reason: 'stalled', detail: tookOver });
    rival.connection.end(tookOver);
    await ended;
  }

  /**
   * Takes the lease from another node whose session at the endpoint is silent, or which is gone itself, long before the
   * lease would expire. False where the other one holds it with good reason.
   */
  async evict(command: StartPublishing, state: StreamState): Promise<boolean> {
    const { leases, logger } = this.#deps;
    const { streamId, endpoint } = command;
    const rival = publishersOf(state).find((one) => one.endpoint === endpoint);
    // Where both relays have one address, ours would answer for the other.
    if (rival === undefined || rival.node === this.#init.node || hostIn(rival.relayUrl) === hostIn(command.relayUrl)) return false;
    const silentMs = await silenceAt(rival.relayUrl, rival.sessionId);
    if (silentMs < this.#init.takeoverSilenceMs) return false;
    logger.warn({ streamId, endpoint, node: rival.node, silentMs }, 'a publisher of another node is gone or silent: its place is taken');
    await leases.release({ name: publishLeaseName(streamId, endpoint), owner: rival.node, epoch: BigInt(rival.epoch) });
    return true;
  }

  async #staysSilent({ connection }: LiveSession, neededMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#deps;
    const before = connection.lastMediaAt;
    if (neededMs - (clock.now() - before) > waitMsMax) return false;
    // Looked at once more after the time is over: this process may have stood still, and not the publisher.
    for (let isOver = false; !signal.aborted;) {
      if (isOver) return true;
      isOver = clock.now() - before >= neededMs;
      await pause(lookEveryMs, signal);
      if (connection.lastMediaAt !== before) return false;
    }
    return false;
  }
}

function hostIn(url: string): string {
  return new URL(url).host;
}

/** How long a session of another node has been silent, ms; infinite where there is none, or nobody answers. */
async function silenceAt(relayUrl: string, sessionId: string): Promise<number> {
  const url = new URL(relayUrl);
  url.searchParams.set('session', sessionId);
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(askMsMax) });
    const told = response.headers.get(silentMsHeader);
    // A node of the release before does not say: it lives, and its lease counts.
    return response.status === 404 ? Number.POSITIVE_INFINITY : Number(told ?? 0);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
