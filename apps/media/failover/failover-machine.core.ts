import type { EventOf, failoverSwitched } from '#events';
import type { Machine, Millis } from '#kernel';

type Endpoint = EventOf<typeof failoverSwitched>['data']['to'];
export type SwitchReason = EventOf<typeof failoverSwitched>['data']['reason'];

/** A publisher's session as far as failover cares. */
export interface Publisher {
  readonly sessionId: string;
  readonly endpoint: Endpoint;
}

export type FailoverInput =
  /** Who publishes now, and whose media is packaged, as the log tells it; whoever is not among them is gone. */
  | { readonly kind: 'publishers'; readonly publishers: readonly Publisher[]; readonly active: string | undefined }
  /** Media arrived of a session. */
  | { readonly kind: 'media'; readonly sessionId: string; readonly keyFrame: boolean }
  /** A session is over: its relay, or the log, says so. */
  | { readonly kind: 'over'; readonly sessionId: string; readonly reason: 'closed' | 'lease-lost' }
  /** The connection to a relay broke, or none comes about. */
  | { readonly kind: 'cut'; readonly sessionId: string }
  /** Every switch is on the log, or was overtaken there: what it says is so. */
  | { readonly kind: 'settled'; readonly active: string | undefined }
  /** Somebody wants this endpoint. */
  | { readonly kind: 'request'; readonly to: Endpoint }
  | { readonly kind: 'tick' };

/** Go over to the other publisher. */
export interface SwitchEffect {
  readonly kind: 'switch';
  readonly from: Publisher;
  readonly to: Publisher;
  readonly reason: SwitchReason;
  readonly silentMs: number;
  /** True where the one before still sends: its media may go on up to the key frame that has just come. */
  readonly planned: boolean;
}

export interface FailoverMachineInit {
  /** Media silence after which the other one takes over. */
  readonly silenceMs: number;
  /** How long the preferred one must have been well before it is gone back to. */
  readonly returnMs: number;
  readonly preferred: Endpoint;
  /** Of which session media was packaged last; undefined for none yet. */
  readonly active: Publisher | undefined;
}

/** Media within this time: it flows. A longer pause begins the count of a publisher's good time anew. */
const flowingMs = 1_000;
const tickMs = 250;
/** Who did not come to look for so long knows nothing of silences meanwhile: this process stood still itself. */
const standstillMs = 1_000;
/** A return that holds for less than this was too early: the next one waits twice as long … */
const steadyMs = 60_000;
/** … up to so many times. */
const patienceMax = 16;

interface Seen extends Publisher {
  lastMediaAt: Millis;
  /** Since when it has sent without a pause. */
  wellSince: Millis;
  hasKeyFrame: boolean;
  cut: boolean;
}

/**
 * Decides of which of a stream's two publishers media is packaged. Never of two; of the other one at once when the one
 * in use is gone or silent, always from a video key frame on; back to the preferred one once that has been well for a while.
 * Times are of a clock that never goes back.
 */
export class FailoverMachine implements Machine<FailoverInput, SwitchEffect> {
  readonly #init: FailoverMachineInit;
  readonly #seen = new Map<string, Seen>();
  /** Sessions that are over, while the log does not know it yet. */
  readonly #over = new Set<string>();
  #preferred: Endpoint;
  #active: Publisher | undefined;
  /** Why the active one is gone; undefined while it is there. */
  #gone: 'closed' | 'lease-lost' | undefined;
  /** When the active one sent last, should it be gone. */
  #activeMediaAt: Millis | undefined;
  #requested: Endpoint | undefined;
  #lookedAt: Millis | undefined;
  #returnedAt: Millis | undefined;
  #patience = 1;

  constructor(init: FailoverMachineInit) {
    this.#init = init;
    this.#preferred = init.preferred;
    this.#active = init.active;
  }

  get active(): Publisher | undefined {
    return this.#active;
  }

  nextDeadline(): Millis | undefined {
    // Of one alone there is nothing to decide until something comes of another.
    return this.#seen.size < 2 || this.#lookedAt === undefined ? undefined : this.#lookedAt + tickMs;
  }

  step(input: FailoverInput, now: Millis): readonly SwitchEffect[] {
    this.#forgiveStandstill(now);
    this.#take(input, now);
    const effect = this.#decide(input, now);
    if (effect === undefined) return [];
    this.#goOver(effect, now);
    return [effect];
  }

  #forgiveStandstill(now: Millis): void {
    const missedMs = this.#lookedAt === undefined ? 0 : now - this.#lookedAt - tickMs;
    this.#lookedAt = now;
    if (missedMs < standstillMs) return;
    for (const seen of this.#seen.values()) seen.lastMediaAt += missedMs;
  }

  #take(input: FailoverInput, now: Millis): void {
    switch (input.kind) {
      case 'publishers':
        return this.#setPublishers(input, now);
      case 'media':
        return this.#heard(input, now);
      case 'over':
        this.#over.add(input.sessionId);
        return this.#remove(input.sessionId, input.reason);
      case 'cut': {
        const seen = this.#seen.get(input.sessionId);
        if (seen !== undefined) seen.cut = true;
        return;
      }
      case 'settled':
        return this.#settle(input.active);
      case 'request':
        this.#preferred = input.to;
        this.#requested = this.#active?.endpoint === input.to ? undefined : input.to;
        return;
      case 'tick':
    }
  }

  #setPublishers({ publishers, active }: Extract<FailoverInput, { kind: 'publishers' }>, now: Millis): void {
    const ids = new Set(publishers.map(({ sessionId }) => sessionId));
    for (const sessionId of this.#over) if (!ids.has(sessionId)) this.#over.delete(sessionId);
    for (const sessionId of [...this.#seen.keys()]) if (!ids.has(sessionId)) this.#remove(sessionId, 'closed');
    for (const one of publishers)
      if (!this.#seen.has(one.sessionId) && !this.#over.has(one.sessionId))
        this.#seen.set(one.sessionId, { ...one, lastMediaAt: now, wellSince: now, hasKeyFrame: false, cut: false });
    if (this.#active !== undefined && ids.has(this.#active.sessionId)) return;
    // Whoever the log names begins, without anything to go over from: the stream was interrupted meanwhile, or is new.
    const begins = publishers.find(({ sessionId }) => sessionId === active);
    if (begins !== undefined) this.#begin(begins);
    else if (this.#active !== undefined) this.#gone ??= 'closed';
  }

  #begin({ sessionId, endpoint }: Publisher): void {
    this.#active = { sessionId, endpoint };
    this.#gone = undefined;
    this.#activeMediaAt = undefined;
  }

  #settle(active: string | undefined): void {
    if (active === undefined || active === this.#active?.sessionId) return;
    const seen = this.#seen.get(active);
    if (seen !== undefined) return this.#begin(seen);
    this.#active = { sessionId: active, endpoint: this.#active?.endpoint ?? 'primary' };
    this.#gone ??= 'closed';
  }

  #heard({ sessionId, keyFrame }: Extract<FailoverInput, { kind: 'media' }>, now: Millis): void {
    const seen = this.#seen.get(sessionId);
    if (seen === undefined) return;
    if (seen.cut || now - seen.lastMediaAt >= flowingMs) seen.wellSince = now;
    seen.lastMediaAt = now;
    seen.cut = false;
    seen.hasKeyFrame ||= keyFrame;
    if (sessionId === this.#active?.sessionId) this.#activeMediaAt = now;
  }

  #remove(sessionId: string, reason: 'closed' | 'lease-lost'): void {
    if (this.#seen.get(sessionId)?.endpoint === this.#requested) this.#requested = undefined;
    this.#seen.delete(sessionId);
    if (this.#active?.sessionId === sessionId) this.#gone ??= reason;
  }

  #decide(input: FailoverInput, now: Millis): SwitchEffect | undefined {
    const from = this.#active;
    if (from === undefined) return undefined;
    const others = [...this.#seen.values()].filter((seen) => seen.sessionId !== from.sessionId && seen.hasKeyFrame && isFlowing(seen, now));
    const other = others.find(({ endpoint }) => endpoint === this.#preferred) ?? others[0];
    if (other === undefined) return undefined;
    const silentMs = Math.max(0, Math.round(now - (this.#seen.get(from.sessionId)?.lastMediaAt ?? this.#activeMediaAt ?? now)));
    const failure = this.#failureOf(from, now);
    if (failure !== undefined) return { kind: 'switch', from, to: publisherOf(other), reason: failure, silentMs, planned: false };
    const isAtKeyFrame = input.kind === 'media' && input.sessionId === other.sessionId && input.keyFrame;
    const wish = isAtKeyFrame && other.endpoint === this.#preferred ? this.#wish(other, now) : undefined;
    return wish && { kind: 'switch', from, to: publisherOf(other), reason: wish, silentMs, planned: true };
  }

  #failureOf(from: Publisher, now: Millis): SwitchReason | undefined {
    if (this.#gone !== undefined) return this.#gone;
    const seen = this.#seen.get(from.sessionId);
    if (seen === undefined) return 'closed';
    if (seen.cut) return 'unreachable';
    return now - seen.lastMediaAt >= this.#init.silenceMs ? 'media-silence' : undefined;
  }

  #wish(other: Seen, now: Millis): SwitchReason | undefined {
    if (this.#requested === other.endpoint) return 'requested';
    return now - other.wellSince >= this.#init.returnMs * this.#patience ? 'recovered' : undefined;
  }

  #goOver({ to, reason }: SwitchEffect, now: Millis): void {
    const hasReturned = this.#returnedAt !== undefined && this.#active?.endpoint === this.#preferred;
    if (hasReturned && reason !== 'requested') this.#patience = now - (this.#returnedAt as Millis) < steadyMs ? Math.min(patienceMax, this.#patience * 2) : 1;
    if (reason === 'recovered') this.#returnedAt = now;
    if (this.#requested === to.endpoint) this.#requested = undefined;
    this.#active = to;
    this.#activeMediaAt = this.#seen.get(to.sessionId)?.lastMediaAt;
    this.#gone = undefined;
  }
}

function isFlowing(seen: Seen, now: Millis): boolean {
  return !seen.cut && now - seen.lastMediaAt < flowingMs;
}

function publisherOf({ sessionId, endpoint }: Publisher): Publisher {
  return { sessionId, endpoint };
}
