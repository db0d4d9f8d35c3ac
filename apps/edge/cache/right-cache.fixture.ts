/** What an origin says about one URL, in words that need no parser of the cache's own. */
export interface OriginPolicy {
  readonly control: string;
  readonly etag: boolean;
  readonly varies: boolean;
  readonly status: number;
}

/** One answer of the origin, as it was written down there. */
export interface Exchange {
  readonly url: string;
  readonly variant: string;
  readonly authorized: boolean;
  readonly policy: OriginPolicy;
  readonly version: number;
  readonly atMs: number;
  readonly method: string;
  /** False for what was passed through for one client. */
  readonly stored: boolean;
  /** Purged, invalidated or outdated since. */
  void: boolean;
}

export interface Ask {
  readonly url: string;
  readonly variant: string;
  readonly auth: boolean;
  readonly method: string;
  readonly control: string;
}

export interface Said {
  readonly status: number;
  readonly text: string;
  /** How often the origin was asked. */
  readonly asked: number;
  readonly age: string | undefined;
  readonly cacheStatus: string | undefined;
}

interface Verdict {
  readonly hit: boolean;
  /** What is wrong with an answer; undefined when it is allowed. */
  readonly why: (said: Said) => string | undefined;
}

const number = (control: string, name: string): number | undefined => {
  const match = new RegExp(`(?:^|[ ,])${name}=(\\d+)`).exec(control);
  return match === null ? undefined : Number(match[1]);
};
const has = (control: string, name: string): boolean => control.split(', ').includes(name);

/**
 * A cache that keeps every answer the origin ever gave, looks through all of them at each request, and says which answers
 * RFC 9111 allows. Nothing is shared with the cache it judges.
 */
export class RightCache {
  readonly #history: Exchange[];
  readonly #failedAtMs: ReadonlyMap<string, number>;

  /** @param failedAtMs when the origin last broke off a request for a URL */
  constructor(history: Exchange[], failedAtMs: ReadonlyMap<string, number>) {
    this.#history = history;
    this.#failedAtMs = failedAtMs;
  }

  void(url: string): void {
    for (const exchange of this.#history) if (exchange.url === url) exchange.void = true;
  }

  /** What came of a request, for the next one. */
  saw(ask: Ask, nowMs: number, status: number, before: number): void {
    if (ask.method === 'PUT' && status === 204) this.void(ask.url);
    const head = this.#history.slice(before).find((exchange) => exchange.method === 'HEAD');
    if (head === undefined || head.policy.status !== 200 || !head.policy.etag || isOfOne(head)) return;
    // RFC 9111 section 4.3.5: what a HEAD contradicts is stale; what it confirms is as if it had come now.
    const all = this.#fitting(ask, before);
    const stored = all.at(-1);
    if (stored === undefined) return;
    if (stored.version === head.version) this.#history.push({ ...stored, atMs: nowMs });
    else for (const outdated of all) outdated.void = true;
  }

  expect(ask: Ask, nowMs: number, origin: { readonly fails: boolean; readonly version: number }): Verdict {
    const stored = ask.method === 'PUT' ? undefined : this.#candidate(ask, this.#history.length);
    const from = stored === undefined ? undefined : this.#use(stored, ask, nowMs);
    const textOf = (exchange: { version: number; policy: OriginPolicy }): string =>
      ask.method === 'HEAD' ? '' : `${exchange.version}${exchange.policy.varies ? ask.variant : ''}`;
    if (stored !== undefined && from !== undefined) {
      const age = String(Math.floor((nowMs - stored.atMs) / 1000));
      const text = textOf(stored);
      return {
        hit: true,
        why: (said) => {
          if (said.text !== text) return `stored is ${text}, not ${said.text}`;
          if (said.status !== stored.policy.status) return `status ${said.status}`;
          if (said.age !== age) return `age is ${age}, not ${said.age}`;
          return said.asked > (from === 'revalidate' ? 1 : 0) ? `the origin was asked for what is ${from}` : undefined;
        },
      };
    }
    const justFailed = this.#failedAtMs.get(ask.url) === nowMs;
    const covers = stored !== undefined && this.#coversError(stored, nowMs);
    const onlyStored = ask.method !== 'PUT' && has(ask.control, 'only-if-cached');
    return {
      hit: false,
      why: (said) => {
        if (onlyStored && said.asked === 0 && said.status === 504) return undefined;
        if (onlyStored && said.asked > 0) return 'the origin was asked for what is wanted only if stored';
        if (said.status === 502) return origin.fails || justFailed ? undefined : 'an error from an origin that is well';
        if (covers && said.text === textOf(stored) && said.status === stored.policy.status && (origin.fails || said.asked === 0)) return undefined;
        if (origin.fails) return `${said.status} ${said.text} from an origin that is down`;
        if (said.asked === 0 && ask.method !== 'PUT') return `nobody was asked: ${said.cacheStatus}`;
        const [, version = ''] = /^(\d*)/.exec(said.text) ?? [];
        return version === '' || Number(version) === origin.version ? undefined : `the origin has ${origin.version}, not ${version}`;
      },
    };
  }

  /** RFC 9111 section 4: of the stored responses that fit, the most recent one. */
  #candidate(ask: Ask, before: number): Exchange | undefined {
    return this.#fitting(ask, before).at(-1);
  }

  #fitting(ask: Ask, before: number): Exchange[] {
    return this.#history
      .slice(0, before)
      .filter(
        (one) => one.url === ask.url && one.method === 'GET' && one.stored && !one.void && (!one.policy.varies || one.variant === ask.variant) && storable(one),
      );
  }

  #use(stored: Exchange, ask: Ask, nowMs: number): 'fresh' | 'revalidate' | 'stale' | undefined {
    const { control } = stored.policy;
    const freshUntilMs = stored.atMs + lifetimeS(stored) * 1000;
    const ageMs = nowMs - stored.atMs;
    const fresh = nowMs < freshUntilMs;
    const maxAge = number(ask.control, 'max-age');
    const minFresh = number(ask.control, 'min-fresh');
    const refused =
      has(ask.control, 'no-cache') || (maxAge !== undefined && ageMs > maxAge * 1000) || (minFresh !== undefined && freshUntilMs - nowMs < minFresh * 1000);
    // What the origin said within this second is as new as anybody may ask for.
    const wanted = !refused || ageMs < 1000;
    if (fresh && wanted) return 'fresh';
    const maxStale = has(ask.control, 'max-stale') ? Infinity : number(ask.control, 'max-stale');
    const lenient = !forbidsStale(control) && number(control, 's-maxage') === undefined;
    if (maxStale !== undefined && lenient && nowMs - freshUntilMs <= maxStale * 1000) return 'stale';
    const while_ = forbidsStale(control) ? 0 : (number(control, 'stale-while-revalidate') ?? 0);
    const passes = has(ask.control, 'no-store');
    return wanted && !passes && nowMs < freshUntilMs + while_ * 1000 ? 'revalidate' : undefined;
  }

  #coversError(stored: Exchange, nowMs: number): boolean {
    const { control } = stored.policy;
    const silent = number(control, 's-maxage') === undefined ? 30 : 0;
    // What is fresh covers an error whatever it says: must-revalidate speaks of what is stale.
    const longerS = forbidsStale(control) ? 0 : (number(control, 'stale-if-error') ?? silent);
    return nowMs < stored.atMs + (lifetimeS(stored) + longerS) * 1000;
  }
}

function forbidsStale(control: string): boolean {
  return has(control, 'must-revalidate') || has(control, 'no-cache');
}

/** RFC 9111 section 3.5. */
function isOfOne({ authorized, policy: { control } }: Exchange): boolean {
  return authorized && !has(control, 'public') && !has(control, 'must-revalidate') && number(control, 's-maxage') === undefined;
}

function storable(exchange: Exchange): boolean {
  const { policy } = exchange;
  const { control, etag, status } = policy;
  if (has(control, 'no-store') || has(control, 'private')) return false;
  if (isOfOne(exchange)) return false;
  const stated = has(control, 'no-cache') || number(control, 'max-age') !== undefined || number(control, 's-maxage') !== undefined;
  return lifetimeS(exchange) > 0 || (number(control, 'stale-while-revalidate') ?? 0) > 0 || (etag && status === 200 && stated);
}

function lifetimeS({ authorized, policy }: Exchange): number {
  const { control, status } = policy;
  if (has(control, 'no-cache')) return 0;
  // The edge remembers for a minute what is not there and says nothing about it, unless a credential was shown.
  const guessed = status === 404 && (!authorized || has(control, 'public')) ? 60 : 0;
  return number(control, 's-maxage') ?? number(control, 'max-age') ?? guessed;
}
