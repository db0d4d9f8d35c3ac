import { nodeLedgerHash, verifyEd25519 } from '#adapters/ledger';
import { formatVerifierKey, originKeys, parseVerifierKey, readKeyList, type VerifierKey } from '#core/ledger';
import type { Logger } from '#runtime';
import type { Gateways } from '../gateway/gateways.ts';
import { readTextFile, writeTextFile } from '../state/atomic-file.ts';

export interface TrustedLedgersInit {
  /** Where the keys are remembered, one a line. */
  readonly path: string;
  /** Verifier keys that the operator named; none: the origin's own are believed the first time, and remembered. */
  readonly named: readonly VerifierKey[];
}

export interface TrustedLedgersDeps {
  readonly gateways: Gateways;
  readonly logger: Logger;
  readonly now: () => number;
}

/** How often the origin is asked for its keys at most, ms. */
const askEveryMs = 5000;
const timeoutMs = 5000;
const listCharsMax = 65_536;

/** Whose checkpoints a witness looks at: the ledger of its origin, by keys that it knows, and those that they vouch for. */
export class TrustedLedgers {
  readonly #init: TrustedLedgersInit;
  readonly #deps: TrustedLedgersDeps;
  #keys: readonly VerifierKey[];
  #askedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(init: TrustedLedgersInit, deps: TrustedLedgersDeps, keys: readonly VerifierKey[]) {
    this.#init = init;
    this.#deps = deps;
    this.#keys = keys;
  }

  static async open(init: TrustedLedgersInit, deps: TrustedLedgersDeps): Promise<TrustedLedgers> {
    const text = (await readTextFile(init.path)) ?? '';
    const remembered = text
      .split('\n')
      .filter(Boolean)
      .map((line) => parseVerifierKey(line, nodeLedgerHash));
    return new TrustedLedgers(init, deps, init.named.length > 0 ? init.named : remembered);
  }

  /** The keys of an origin. With `ask`, the ledger's list is read again when there was none, or when it is time. */
  async keysOf(origin: string, ask: boolean): Promise<readonly VerifierKey[]> {
    const known = originKeys(this.#keys, origin, nodeLedgerHash);
    if ((known.length > 0 && !ask) || this.#deps.now() - this.#askedAtMs < askEveryMs) return known;
    this.#askedAtMs = this.#deps.now();
    try {
      await this.#ask();
    } catch (err) {
      this.#deps.logger.warn({ err }, `the keys of the audit ledger are not known: ${err instanceof Error ? err.message : String(err)}`);
    }
    return originKeys(this.#keys, origin, nodeLedgerHash);
  }

  async #ask(): Promise<void> {
    const response = await this.#deps.gateways.ask('/ledger/v1/keys', { timeoutMs });
    const list = await response.text();
    if (!response.ok || list.length > listCharsMax) throw new Error(`the origin answered ${response.status}`);
    const keys = readKeyList(list, this.#keys, nodeLedgerHash, verifyEd25519);
    await writeTextFile(this.#init.path, keys.map((key) => `${formatVerifierKey(key)}\n`).join(''));
    this.#keys = keys;
  }
}
