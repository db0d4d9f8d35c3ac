import { isExpired, type Principal } from '#domain/access';
import type { Clock } from '#ports';
import { errors, jwtVerify, type FlattenedJWSInput, type JWTHeaderParameters } from 'jose';
import { unauthenticated, type Authentication, type Unauthenticated } from './authentication.ts';
import { principalOfClaims, type ClaimNames } from './jwt-claims.core.ts';
import type { JwksCache } from '#runtime';
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

function invalid(detail: string): Unauthenticated {
  return unauthenticated('token-invalid', { detail });
}

function expired(): Unauthenticated {
  return unauthenticated('expired', { detail: 'This token has expired.' });
}

function claimSentence(claim: string): string {
  return `The claim ${claim} of this token is missing, or is not what it has to be here.`;
}

/**
 * Why a token does not let in, for the sentence of RFC 6750 section 3. Claims are looked at behind the signature: whoever
 * hears of one holds a token that the identity provider has made. Of what was expected nothing is told.
 */
function refusalOf(error: unknown): Unauthenticated {
  if (error instanceof errors.JWTExpired) return expired();
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(error.claim === 'nbf' ? 'This token is not valid yet (claim nbf).' : claimSentence(error.claim));
  if (error instanceof errors.JWKSNoMatchingKey) return invalid('This token names a key that the identity provider does not have.');
  return invalid('This token is not signed in a way that can be verified here.');
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
    const checked = await this.#check(token);
    if ('refused' in checked) return checked;
    if (this.#verified.size >= verifiedMax) this.#verified.delete(this.#verified.keys().next().value as string);
    this.#verified.set(hash, { principal: checked, generation: this.#keys.generation });
    return this.#answer(checked);
  }

  #answer(principal: Principal): Authentication {
    // The leeway holds for what is remembered as it does for what is new.
    if (isExpired(principal, this.#clock.now() - leewaySec * 1000)) return expired();
    return { refused: false, principal, proof: derivedSecret(this.#init.secret, 'proof', principal.actor) };
  }

  async #check(token: string): Promise<Principal | Unauthenticated> {
    const { issuer, audience, claims } = this.#init;
    const currentDate = new Date(this.#clock.now());
    const rules = { issuer, audience, algorithms, clockTolerance: leewaySec, requiredClaims: ['sub', 'exp'], currentDate };
    try {
      const { payload } = await jwtVerify(token, (header: JWTHeaderParameters, jws: FlattenedJWSInput) => this.#keys.keyOf(header, jws), rules);
      const principal = principalOfClaims(payload, claims);
      return 'claim' in principal ? invalid(claimSentence(principal.claim)) : principal;
    } catch (error) {
      return refusalOf(error);
    }
  }
}
