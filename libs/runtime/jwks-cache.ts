import { isFresh } from '#kernel';
import type { Clock } from '#ports';
import type { Logger } from './logging.ts';
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JWK, type JWTHeaderParameters } from 'jose';

export interface JwksCacheInit {
  readonly url: string;
  /** How long keys are good without asking again, ms: a key that was removed works no longer than this. */
  readonly cacheMs: number;
  /** Least time between two questions, ms, whatever callers show. */
  readonly cooldownMs: number;
}

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** A token names a key that is not known, and whether there is one cannot be found out now. */
export class JwksAwayError extends errors.JWKSNoMatchingKey {}

const timeoutMs = 5_000;
const bytesMax = 262_144;

/**
 * The keys of an identity provider. They are asked for at the first need, when they are old, and when a token names a
 * key that is not among them. While the provider is away the last known keys go on.
 */
export class JwksCache {
  readonly #init: JwksCacheInit;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #set: KeySet | undefined;
  #text = '';
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #generation = 0;

  constructor(init: JwksCacheInit, clock: Clock, logger: Logger) {
    this.#init = init;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Counts up whenever the keys change: what was verified before may not hold any more. */
  get generation(): number {
    return this.#generation;
  }

  /** Asks again when the keys are old. */
  async refresh(): Promise<void> {
    if (!isFresh(this.#fetchedAtMs, this.#clock.now(), this.#init.cacheMs)) await this.#ask();
  }

  /** The key for a token's header. @throws JOSEError when there is none: `JwksAwayError` where the provider could not be asked. */
  async keyOf(header: JWTHeaderParameters, token: FlattenedJWSInput): Promise<Awaited<ReturnType<KeySet>>> {
    await this.refresh();
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#ask();
      try {
        return await this.#find(header, token);
      } catch (still) {
        throw still instanceof errors.JWKSNoMatchingKey && this.#fetchedAtMs < this.#askedAtMs ? new JwksAwayError(still.message) : still;
      }
    }
  }

  #find(header: JWTHeaderParameters, token: FlattenedJWSInput): ReturnType<KeySet> {
    if (this.#set === undefined) throw new errors.JWKSNoMatchingKey('The keys of the identity provider are not known yet.');
    return this.#set(header, token);
  }

  /** One question at a time, and not more often than the cool-down allows. */
  async #ask(): Promise<void> {
    if (this.#asking === undefined) {
      if (isFresh(this.#askedAtMs, this.#clock.now(), this.#init.cooldownMs)) return;
      this.#askedAtMs = this.#clock.now();
      this.#asking = this.#fetch()
        .catch((err: unknown) => this.#logger.warn({ err, url: this.#init.url }, 'the keys of the identity provider cannot be fetched; the last known go on'))
        .finally(() => (this.#asking = undefined));
    }
    await this.#asking;
  }

  async #fetch(): Promise<void> {
    const response = await fetch(this.#init.url, { signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/jwk-set+json, application/json' } });
    if (!response.ok) throw new Error(`${this.#init.url} answers ${response.status}.`);
    const text = await boundedText(response);
    const set = createLocalJWKSet({ keys: keysOf(JSON.parse(text)) });
    this.#fetchedAtMs = this.#clock.now();
    if (text === this.#text) return;
    this.#text = text;
    this.#set = set;
    this.#generation++;
  }
}

/** Those that say what they are: RFC 7517 section 5 has others passed over. @throws Error for what is no key set. */
function keysOf(set: unknown): JWK[] {
  const keys = (set as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error('The answer is no JWK set: it has no "keys".');
  return keys.filter((key) => typeof (key as JWK | null)?.kty === 'string') as JWK[];
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) throw new Error('The key set is larger than any that makes sense.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
