import { isExpired, type Principal } from '#domain/access';
import type { Clock } from '#ports';
import { jwtVerify, type FlattenedJWSInput, type JWTHeaderParameters } from 'jose';
import { unauthenticated, type Authentication } from './authentication.ts';
import { principalOfClaims, type ClaimNames } from './jwt-claims.core.ts';
import type { JwksCache } from './jwks-cache.ts';
import { derivedSecret, hashOf } from './secrets.ts';

export interface JwtVerifierInit {
  readonly issuer: string;
  readonly audience: string;
  readonly claims: ClaimNames;
  /** Makes the proof of a subject, which has no secret of its own. */
  readonly secret: string;
}

interface Verified {
  readonly principal: Principal;
  readonly generation: number;
}

/** Signatures of one holder of a private key; what a holder of a public key can make (HS…, none) is refused. */
const algorithms = ['ES256', 'EdDSA', 'RS256'];
/** Clocks of two machines, seconds. */
const leewaySec = 30;
const tokenLengthMax = 8_192;
const verifiedMax = 10_000;

/** Three parts of base64url (RFC 7515 section 3.1). */
export function looksLikeJwt(token: string): boolean {
  return token.length <= tokenLengthMax && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

/** Tells whose JSON Web Token it is (RFC 7519, RFC 8725). A verified one is remembered for as long as its keys stay. */
export class JwtVerifier {
  readonly #init: JwtVerifierInit;
  readonly #keys: JwksCache;
  readonly #clock: Clock;
  /** By the token's hash; in order of insertion. */
  readonly #verified = new Map<string, Verified>();

  constructor(init: JwtVerifierInit, keys: JwksCache, clock: Clock) {
    this.#init = init;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** True for a token that was good a moment ago. */
  remembers(token: string): boolean {
    return this.#verified.has(hashOf(token));
  }

  async verify(token: string): Promise<Authentication> {
    await this.#keys.refresh();
    const hash = hashOf(token);
    const known = this.#verified.get(hash);
    if (known?.generation === this.#keys.generation) return this.#answer(known.principal);
    this.#verified.delete(hash);
    const principal = await this.#check(token);
    if (principal === undefined) return unauthenticated('token-invalid');
    if (this.#verified.size >= verifiedMax) this.#verified.delete(this.#verified.keys().next().value as string);
    this.#verified.set(hash, { principal, generation: this.#keys.generation });
    return this.#answer(principal);
  }

  #answer(principal: Principal): Authentication {
    // The leeway holds for what is remembered as it does for what is new.
    if (isExpired(principal, this.#clock.now() - leewaySec * 1000)) return unauthenticated('expired');
    return { refused: false, principal, proof: derivedSecret(this.#init.secret, 'proof', principal.actor) };
  }

  async #check(token: string): Promise<Principal | undefined> {
    const { issuer, audience, claims } = this.#init;
    const currentDate = new Date(this.#clock.now());
    const rules = { issuer, audience, algorithms, clockTolerance: leewaySec, requiredClaims: ['sub', 'exp'], currentDate };
    try {
      const { payload } = await jwtVerify(token, (header: JWTHeaderParameters, jws: FlattenedJWSInput) => this.#keys.keyOf(header, jws), rules);
      return principalOfClaims(payload, claims);
    } catch {
      // Whatever is wrong with it, the answer is the same.
      return undefined;
    }
  }
}
