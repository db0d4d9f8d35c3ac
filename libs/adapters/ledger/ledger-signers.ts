import {
  checkpointText,
  formatKeyList,
  formatNote,
  holdingOrigin,
  holdingText,
  signatureTypes,
  signText,
  treeListOrigin,
  treeListText,
  verifierKey,
  type Holding,
  type ListedTree,
  type Signer,
  type TreeHead,
  type VerifierKey,
} from '#core/ledger';
import { OperatingError } from '#kernel';
import type { LedgerTreeAt, SecretStore } from '#ports';
import { createPrivateKey, hash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Ed25519Signer, seedOf } from './ed25519.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import { treeName } from './tree-name.ts';

/** Checkpoints carry the signatures of so many keys, the newest last: who knows only the one before the last still can verify. */
const keysPerCheckpoint = 2;

/** How long statements are signed for an export. Processes may differ a little in time. */
const exportSec = 3600;

/** What tells a ledger apart when nobody gave it a name. */
const nameSecret = 'ledger-name';

/** The name of a ledger that got none: the same for every process of the platform. */
export async function ledgerName(secrets: SecretStore): Promise<string> {
  return `streams-${hash('sha256', await secrets.secret(nameSecret), 'hex').slice(0, 12)}`;
}

/** The origin line of a partition's tree: `<name>/<topic>/<partition>`, and `@<offset>` where it begins behind the first record. */
export function originOf(name: string, tree: LedgerTreeAt): string {
  return `${name}/${treeName(tree)}`;
}

/** Who signs the checkpoints of a ledger: all keys that it has had. */
export class LedgerSigners {
  readonly name: string;
  readonly #signers: readonly Signer[];
  readonly #keys = new Map<string, readonly VerifierKey[]>();

  /** @param signers oldest first, at least one */
  constructor(name: string, signers: readonly Signer[]) {
    this.name = name;
    this.#signers = signers;
  }

  /** The first `count` keys out of the secrets of the platform. */
  static async fromSecrets(name: string, secrets: SecretStore, count: number): Promise<LedgerSigners> {
    const seeds: Uint8Array[] = [];
    for (let number = 1; number <= count; number++) seeds.push(await secrets.secret(`ledger-key-${number}`));
    return new LedgerSigners(
      name,
      seeds.map((seed) => new Ed25519Signer(seed)),
    );
  }

  /**
   * The keys out of a PEM file: private keys of Ed25519, oldest first.
   * @throws OperatingError `LEDGER_KEY_INVALID`
   */
  static async fromFile(name: string, path: string): Promise<LedgerSigners> {
    try {
      const blocks = (await readFile(path, 'utf8')).match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g) ?? [];
      const signers = blocks.map((block) => new Ed25519Signer(seedOf(createPrivateKey(block))));
      if (signers.length > 0) return new LedgerSigners(name, signers);
      throw new Error('it holds no private key in PEM');
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new OperatingError(`The file ${path} gives no key of Ed25519 to sign the ledger with: ${why}.`, {
        code: 'LEDGER_KEY_INVALID',
        retryable: false,
        cause,
      });
    }
  }

  get count(): number {
    return this.#signers.length;
  }

  /** All keys, signed by all of them. */
  keyList(): string {
    return formatKeyList(this.name, this.#signers, nodeLedgerHash);
  }

  /** A signed checkpoint. */
  sign(at: LedgerTreeAt, head: TreeHead): string {
    const origin = originOf(this.name, at);
    return this.#note(origin, checkpointText({ origin, ...head }));
  }

  /** The signed list of all trees of the ledger; with an export, that of its bundle. */
  signTrees(trees: readonly ListedTree[], exportId?: string): string {
    return this.#note(treeListOrigin(this.name), treeListText(this.name, trees, exportId));
  }

  /** The id of an export that begins now. Every process with these keys knows it for an hour, and nobody else can make one. */
  beginExport(nowMs: number): string {
    const stem =
      Math.floor(nowMs / 1000)
        .toString(16)
        .padStart(8, '0')
        .slice(-8) + randomBytes(4).toString('hex');
    return stem + this.#exportMark(stem, this.#signers.at(-1));
  }

  /** Whether an export is one that these keys have begun less than an hour ago. */
  isExport(id: string, nowMs: number): boolean {
    const [stem, mark] = [id.slice(0, 16), id.slice(16)];
    const ageSec = Math.floor(nowMs / 1000) - Number.parseInt(id.slice(0, 8), 16);
    return Math.abs(ageSec) < exportSec && this.#signers.slice(-keysPerCheckpoint).some((signer) => this.#exportMark(stem, signer) === mark);
  }

  /** A hash of a signature that nobody gets to see; Ed25519 gives the same one each time (RFC 8032). */
  #exportMark(stem: string, signer: Signer | undefined): string {
    return hash('sha256', signer?.sign(Buffer.from(`${this.name}/exports\n${stem}\n`)) ?? '', 'hex').slice(0, 16);
  }

  /** What a bundle holds of a tree, signed. */
  signHolding(at: LedgerTreeAt, holding: Omit<Holding, 'origin'>): string {
    const origin = originOf(this.name, at);
    return this.#note(holdingOrigin(origin), holdingText({ origin, ...holding }));
  }

  #note(origin: string, text: string): string {
    const keys = this.#keysOf(origin);
    const signers = this.#signers.slice(-keysPerCheckpoint);
    return formatNote({ text, signatures: signers.map((signer, number) => signText(text, keys[number] as VerifierKey, signer)) });
  }

  #keysOf(origin: string): readonly VerifierKey[] {
    const known = this.#keys.get(origin);
    if (known !== undefined) return known;
    const keys = this.#signers.slice(-keysPerCheckpoint).map(({ publicKey }) => verifierKey(origin, signatureTypes.ed25519, publicKey, nodeLedgerHash));
    this.#keys.set(origin, keys);
    return keys;
  }
}
