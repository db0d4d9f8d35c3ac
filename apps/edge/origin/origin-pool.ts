import { murmur2 } from '#kernel';
import { isSafe } from '#core/http-cache';
import type { GuardedRequest, OriginSource } from './guarded-origin.ts';
import { OriginError, type OriginResponse } from './origin-client.ts';

export interface PoolMember {
  readonly url: string;
  readonly weight: number;
  readonly backup: boolean;
  readonly source: OriginSource;
}

export interface OriginPoolInit {
  readonly balance: 'weighted' | 'hash';
  /** On other origins, of one request. */
  readonly attempts: number;
  /** Share of the requests that may be repeated. */
  readonly budget: number;
  /** Failures in a row … */
  readonly failures: number;
  /** … after which an origin is left in peace for so long, ms; longer each time. */
  readonly holdMs: number;
}

/** Repeats that are free when little is asked: a share of nothing would be none. */
const spareRepeats = 10;
/** A hold grows to this many times its first length, while the origin fails at once again. */
const holdsMax = 10;
/** What a gateway says whose own origin failed: another one may do better. */
const unwell = new Set([502, 503, 504]);

/** How one origin fares. */
class Fortune {
  readonly member: PoolMember;
  /** Smooth weighted turns. */
  turn = 0;
  heldUntilMs = 0;
  /** By its health checks. */
  well = true;
  #failures = 0;
  #holds = 0;

  constructor(member: PoolMember) {
    this.member = member;
  }

  answers(nowMs: number): boolean {
    return this.well && nowMs >= this.heldUntilMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#holds = 0;
  }

  failed(nowMs: number, { failures, holdMs }: OriginPoolInit): void {
    if (++this.#failures < failures || nowMs < this.heldUntilMs) return;
    this.#holds = Math.min(this.#holds + 1, holdsMax);
    this.heldUntilMs = nowMs + holdMs * this.#holds;
    // The first failure after the hold is enough for the next.
    this.#failures = failures - 1;
  }
}

export interface MemberStatus {
  readonly url: string;
  readonly well: boolean;
  readonly heldForMs: number;
}

/**
 * Several origins as one. Each request goes to one that is well, and if that fails before its answer begins to another,
 * within a budget: an outage must not be made worse by those who ask again.
 */
export class OriginPool implements OriginSource {
  readonly #init: OriginPoolInit;
  readonly #now: () => number;
  readonly #fortunes: readonly Fortune[];
  #repeats = spareRepeats;

  constructor(members: readonly PoolMember[], init: OriginPoolInit, now: () => number) {
    this.#fortunes = members.map((member) => new Fortune(member));
    this.#init = init;
    this.#now = now;
  }

  get members(): readonly MemberStatus[] {
    return this.#fortunes.map(({ heldUntilMs, member, well }) => ({ url: member.url, well, heldForMs: Math.max(0, heldUntilMs - this.#now()) }));
  }

  /** What a health check found. */
  judge(url: string, well: boolean): void {
    const fortune = this.#fortunes.find(({ member }) => member.url === url);
    if (fortune === undefined) return;
    fortune.well = well;
    if (well) fortune.heldUntilMs = 0;
  }

  /** Holds of the version before are not forgotten by a change of rules. */
  inherit(before: OriginPool): void {
    for (const fortune of this.#fortunes) {
      const same = before.#fortunes.find(({ member }) => member.url === fortune.member.url);
      if (same === undefined) continue;
      fortune.well = same.well;
      fortune.heldUntilMs = same.heldUntilMs;
    }
  }

  async request(request: GuardedRequest): Promise<OriginResponse> {
    this.#repeats = Math.min(this.#repeats + this.#init.budget, spareRepeats + 100 * this.#init.budget);
    const tried = new Set<Fortune>();
    for (;;) {
      const fortune = this.#choose(request, tried);
      tried.add(fortune);
      const last = !this.#mayRepeat(request, tried);
      try {
        const response = await fortune.member.source.request(request);
        if (!unwell.has(response.status)) {
          fortune.succeeded();
          return response;
        }
        fortune.failed(this.#now(), this.#init);
        if (last) return response;
        response.body?.cancel();
      } catch (error) {
        if (!(error instanceof OriginError)) throw error;
        // It is not the origin that has no room.
        if (error.code !== 'ORIGIN_BUSY') fortune.failed(this.#now(), this.#init);
        if (last || request.signal?.aborted === true) throw error;
      }
      this.#repeats--;
    }
  }

  /**
   * Takes what is no exchange to one that is well, and on to others while `attempt` brings nothing, as often as a request may be
   * repeated. Nothing is no failure of an origin: it may not want to.
   */
  async take<Taken>(request: Pick<GuardedRequest, 'key' | 'method'>, attempt: (url: string) => Promise<Taken | undefined>): Promise<Taken | undefined> {
    const tried = new Set<Fortune>();
    for (;;) {
      const fortune = this.#choose(request, tried);
      tried.add(fortune);
      const taken = await attempt(fortune.member.url);
      if (taken !== undefined) fortune.succeeded();
      if (taken !== undefined || !this.#mayRepeat(request, tried)) return taken;
      this.#repeats--;
    }
  }

  /** RFC 9110 section 9.2.2: what is safe may be asked again, by anybody. A body may be read but once. */
  #mayRepeat({ body, method }: Pick<GuardedRequest, 'body' | 'method'>, tried: ReadonlySet<Fortune>): boolean {
    return tried.size <= this.#init.attempts && tried.size < this.#fortunes.length && isSafe(method) && body === undefined && this.#repeats >= 1;
  }

  /** Of those that are well, backups last; when none is, any of them, because asking is the one way to find out. */
  #choose(request: Pick<GuardedRequest, 'key'>, tried: ReadonlySet<Fortune>): Fortune {
    const nowMs = this.#now();
    const left = this.#fortunes.filter((fortune) => !tried.has(fortune));
    const well = left.filter((fortune) => fortune.answers(nowMs));
    const first = well.filter(({ member }) => !member.backup);
    const among = first.length > 0 ? first : well.length > 0 ? well : left;
    return this.#init.balance === 'hash' && request.key !== undefined ? highest(among, request.key) : this.#next(among);
  }

  /** Smooth weighted round robin: the turns of a heavy one are spread between those of the light ones. */
  #next(among: readonly Fortune[]): Fortune {
    let best = among[0] as Fortune;
    let total = 0;
    for (const fortune of among) {
      fortune.turn += fortune.member.weight;
      total += fortune.member.weight;
      if (fortune.turn > best.turn) best = fortune;
    }
    best.turn -= total;
    return best;
  }
}

/** Weighted rendezvous hashing (Mosko 1998): when an origin goes, only its own keys move, to all others alike. */
function highest(among: readonly Fortune[], key: string): Fortune {
  let best = among[0] as Fortune;
  let most = Number.NEGATIVE_INFINITY;
  for (const fortune of among) {
    const hash = murmur2(Buffer.from(`${fortune.member.url} ${key}`)) >>> 0;
    const score = -fortune.member.weight / Math.log((hash + 0.5) / 2 ** 32);
    if (score <= most) continue;
    most = score;
    best = fortune;
  }
  return best;
}
