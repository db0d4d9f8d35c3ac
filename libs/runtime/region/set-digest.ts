import { createHash } from 'node:crypto';

const modulus = 1n << 128n;

/**
 * A digest of a collection, whatever its order: the sum of 128 bits of each member's SHA-256. A member more, less, doubled
 * or altered gives another sum. It finds mistakes; against somebody who makes up members there is the audit ledger.
 */
export class SetDigest {
  #sum = 0n;
  #count = 0;

  add(member: string): void {
    const hash = createHash('sha256').update(member).digest('hex').slice(0, 32);
    this.#sum = (this.#sum + BigInt(`0x${hash}`)) % modulus;
    this.#count++;
  }

  toString(): string {
    return `${this.#count}-${this.#sum.toString(16).padStart(32, '0')}`;
  }
}
