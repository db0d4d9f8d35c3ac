import { hash } from 'node:crypto';
import { nodeLedgerHash, verifyEd25519 } from '#adapters/ledger';
import {
  cosign,
  formatNote,
  formatSignature,
  formatVerifierKey,
  judgeCheckpoint,
  parseAddCheckpoint,
  type AddCheckpoint,
  type Signer,
  type VerifierKey,
  type WitnessVerdict,
} from '#core/ledger';
import { hasCode } from '#kernel';
import type { TrustedLedgers } from './trusted-ledgers.ts';
import type { WitnessFile } from './witness.file.ts';

export interface WitnessInit {
  readonly key: VerifierKey;
  readonly signer: Signer;
}

export interface WitnessDeps {
  readonly ledgers: TrustedLedgers;
  readonly file: WitnessFile;
  readonly now: () => number;
}

/** An answer of the witness, before it is HTTP. */
export interface WitnessReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Requests that wait for their turn at most: a ledger asks one after the other. */
const waitingMax = 64;
/** A ledger signs with two keys at most. */
const signaturesKept = 4;
const plain = 'text/plain; charset=utf-8';
/** C2SP tlog-witness: the body of a 409. */
const sizeType = 'text/x.tlog.size';

const refusals: Readonly<Record<400 | 403 | 404 | 422, string>> = {
  400: 'The old size is larger than the checkpoint.',
  403: 'The checkpoint is not signed by a key that this witness trusts for its origin.',
  404: 'This witness does not know the origin of the checkpoint.',
  422: 'The tree is not a continuation of the one that this witness has seen.',
};

/**
 * A witness (C2SP tlog-witness): cosigns checkpoints of a ledger, each a continuation of the one before, and never forgets
 * how far it has come. So a ledger that shows it one history cannot show somebody else another.
 */
export class Witness {
  readonly #init: WitnessInit;
  readonly #deps: WitnessDeps;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(init: WitnessInit, deps: WitnessDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Its verifier key. */
  key(): WitnessReply {
    return { status: 200, type: plain, body: `${formatVerifierKey(this.#init.key)}\n` };
  }

  /** What it cosigned last, by the SHA-256 of the origin in hex. */
  checkpoint(originHash: string): WitnessReply {
    const origin = this.#deps.file.origins.find((one) => hash('sha256', one, 'hex') === originHash);
    const last = origin === undefined ? undefined : this.#deps.file.last(origin);
    return last === undefined ? { status: 404, type: plain, body: `${refusals[404]}\n` } : { status: 200, type: plain, body: last.note };
  }

  /** One after the other: what is checked against the last checkpoint must still be true when it is written. */
  async add(body: string): Promise<WitnessReply> {
    if (this.#waiting >= waitingMax) return { status: 503, type: plain, body: 'Too many requests wait already.\n' };
    this.#waiting++;
    const answer = this.#turn.then(() => this.#add(body));
    this.#turn = answer.catch(() => undefined);
    return answer.finally(() => this.#waiting--);
  }

  async #add(body: string): Promise<WitnessReply> {
    let request: AddCheckpoint;
    try {
      request = parseAddCheckpoint(body);
    } catch (error) {
      if (!hasCode(error, 'LEDGER_INVALID')) throw error;
      return { status: 400, type: plain, body: `${(error as Error).message}\n` };
    }
    const verdict = await this.#judge(request);
    if (verdict.status === 409) return { status: 409, type: sizeType, body: `${verdict.size}\n` };
    if (verdict.status !== 200) return { status: verdict.status, type: plain, body: `${refusals[verdict.status]}\n` };
    return this.#cosign(request);
  }

  /** A key that nobody knows may be a new one of the ledger: then its list of keys is read again. */
  async #judge(request: AddCheckpoint): Promise<WitnessVerdict> {
    const { file, ledgers } = this.#deps;
    const { origin } = request.checkpoint;
    const judge = async (ask: boolean): Promise<WitnessVerdict> =>
      judgeCheckpoint(request, { keys: await ledgers.keysOf(origin, ask), last: file.last(origin) }, nodeLedgerHash, verifyEd25519);
    const verdict = await judge(false);
    return verdict.status === 403 ? judge(true) : verdict;
  }

  /** The checkpoint is on disk before anybody gets the signature. */
  async #cosign({ checkpoint }: AddCheckpoint): Promise<WitnessReply> {
    const { key, signer } = this.#init;
    const { text } = checkpoint.note;
    // The ledger's own; what else was under it is nobody's business, and is not kept.
    const signatures = checkpoint.note.signatures.filter(({ name }) => name === checkpoint.origin).slice(0, signaturesKept);
    const signature = cosign(text, Math.floor(this.#deps.now() / 1000), key, signer);
    await this.#deps.file.keep(checkpoint.origin, formatNote({ text, signatures: [...signatures, signature] }));
    return { status: 200, type: plain, body: formatSignature(signature) };
  }
}
