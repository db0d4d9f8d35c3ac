import { isStreamId } from '#domain/stream';
import { defaultTenant, isTenantId } from '#domain/access';
import { OperatingError } from '#kernel';
import type { Clock } from '#ports';
import { JwksAwayError, JwksCache, type Logger } from '#runtime';
import { createLocalJWKSet, errors, importSPKI, jwtVerify, type CryptoKey, type FlattenedJWSInput, type JSONWebKeySet, type JWTHeaderParameters } from 'jose';
import { readFileSync } from 'node:fs';
import type { Refusal } from './permit.types.ts';

export interface TokenSettings {
  readonly issuer: string | undefined;
  readonly audience: string;
  /** One of the two. */
  readonly keyFile: string | undefined;
  readonly jwksUrl: string | undefined;
}

/** Whom a token lets publish what. */
export interface TokenGrant {
  readonly streamId: string;
  readonly tenant: string;
}

type KeyOf = (header: JWTHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/** RFC 7518 section 3.4 and RFC 8037 section 3.1: what a holder of a public key could make is refused. */
const algorithms = ['ES256', 'EdDSA'];
/** Clocks of two machines, seconds. */
const leewaySec = 30;
/** OBS and ffmpeg cut longer ones off. */
const tokenLengthMax = 1_000;
const cacheMs = 300_000;
const cooldownMs = 5_000;

export function looksLikeToken(key: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(key);
}

/** JSON Web Tokens as stream keys: `sub` names the stream, `tenant` whose it is (RFC 7519, RFC 8725). */
export class TokenVerifier {
  readonly #settings: TokenSettings;
  readonly #keyOf: KeyOf;
  readonly #clock: Clock;

  private constructor(settings: TokenSettings, keyOf: KeyOf, clock: Clock) {
    this.#settings = settings;
    this.#keyOf = keyOf;
    this.#clock = clock;
  }

  /** @throws OperatingError `TOKEN_KEYS_INVALID` for a file that has no public keys. */
  static async open(settings: TokenSettings, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }): Promise<TokenVerifier> {
    const { keyFile, jwksUrl } = settings;
    if (keyFile !== undefined) return new TokenVerifier(settings, await readKeys(keyFile), clock);
    const cache = new JwksCache({ url: jwksUrl ?? '', cacheMs, cooldownMs }, clock, logger);
    return new TokenVerifier(settings, (header, token) => cache.keyOf(header, token), clock);
  }

  async verify(token: string): Promise<TokenGrant | Refusal> {
    if (token.length > tokenLengthMax) return bad(`A token has at most ${tokenLengthMax} characters.`);
    const { issuer, audience } = this.#settings;
    const rules = { audience, algorithms, clockTolerance: leewaySec, requiredClaims: ['sub', 'exp'], currentDate: new Date(this.#clock.now()) };
    try {
      const { payload } = await jwtVerify(token, this.#keyOf, issuer === undefined ? rules : { ...rules, issuer });
      const { sub = '', tenant = defaultTenant } = payload;
      if (!isStreamId(sub)) return bad('The claim sub of the token names no stream.');
      if (typeof tenant !== 'string' || !isTenantId(tenant)) return bad('The claim tenant of the token names no tenant.');
      return { streamId: sub, tenant };
    } catch (error) {
      if (error instanceof JwksAwayError)
        return { reason: 'busy', detail: 'The keys that tokens are signed with cannot be fetched now. Try again in a few seconds.' };
      if (error instanceof errors.JWTExpired) return { reason: 'key-expired', detail: 'The token that stands for the stream key has expired. Get a new one.' };
      if (error instanceof errors.JWTClaimValidationFailed) return bad(`The claim ${error.claim} of the token is not what it has to be.`);
      return bad('The token that stands for the stream key is not signed in a way that can be verified here.');
    }
  }
}

function bad(detail: string): Refusal {
  return { reason: 'bad-key', detail };
}

/** A JWK set, or one public key in PEM, which stands for every key id. */
async function readKeys(path: string): Promise<KeyOf> {
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('-----BEGIN')) return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    const key = await importSPKI(text, 'ES256').catch(() => importSPKI(text, 'EdDSA'));
    return () => Promise.resolve(key);
  } catch (cause) {
    const why = 'it must be a JWK set, or a P-256 or Ed25519 public key in PEM';
    throw new OperatingError(`${path} has no public keys: ${why}.`, { code: 'TOKEN_KEYS_INVALID', retryable: false, cause });
  }
}
