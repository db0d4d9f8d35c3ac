import { nodeLedgerHash } from '#adapters/ledger';
import {
  consistencyRanges,
  formatNote,
  formatVerifierKey,
  parseCheckpoint,
  parseVerifierKey,
  rootsOf,
  tilesFor,
  type NoteSignature,
  type Proof,
  type VerifierKey,
} from '#core/ledger';
import type { LedgerCheckpoint, LedgerPartition, LedgerStore } from '#ports';
import { backOffMs, type Logger } from '#runtime';
import { addCheckpoint, fetchWitnessKey, unreachable } from './witness-client.ts';

/** An edge that is asked as a witness. */
export interface WitnessEdge {
  readonly edgeId: string;
  readonly url: string;
}

export interface WitnessRoundsDeps {
  readonly store: LedgerStore;
  readonly edges: () => Promise<readonly WitnessEdge[]>;
  /** Edges of other regions that have the name of this one. */
  readonly namesakes: (edgeId: string) => Promise<readonly WitnessEdge[]>;
  readonly logger: Logger;
  readonly now: () => number;
}

const retryMs = { first: 5000, most: 300_000 };

interface Away {
  readonly failures: number;
  readonly until: number;
}

/**
 * Asks the known edges to cosign the newest checkpoint of every tree: each says by that that what it saw before is the
 * beginning of what it sees now. Nobody waits for it. An edge that is away is asked again later; one that has seen another
 * history leaves the checkpoint without its signature, and an error in the log.
 */
export class WitnessRounds {
  readonly #deps: WitnessRoundsDeps;
  /** The newest checkpoint of each tree, with the signatures that it has by now; undefined before the first round. */
  #newest: Map<string, LedgerCheckpoint> | undefined;
  readonly #away = new Map<string, Away>();
  /** At which size each witness stands in each tree, as far as known. */
  readonly #sizes = new Map<string, number>();
  /** Of which size each witness has refused a tree for good. */
  readonly #refused = new Map<string, number>();
  #offered: LedgerCheckpoint[] = [];
  #running: Promise<void> | undefined;

  constructor(deps: WitnessRoundsDeps) {
    this.#deps = deps;
  }

  /** New checkpoints, or none: then edges that were away get those that they have missed. */
  offer(checkpoints: readonly LedgerCheckpoint[]): void {
    this.#offered.push(...checkpoints);
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Waits for the round that is under way. */
  async stop(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      do {
        const newest = (this.#newest ??= await this.#known());
        for (const checkpoint of this.#offered.splice(0)) newest.set(nameOf(checkpoint), checkpoint);
        const edges = (await this.#deps.edges()).filter(({ edgeId }) => this.#deps.now() >= (this.#away.get(edgeId)?.until ?? 0));
        const rounds = await Promise.all(edges.map((edge) => this.#ask(edge, [...newest.values()])));
        await this.#keep(rounds.flat(), newest);
      } while (this.#offered.length > 0);
    } catch (err) {
      this.#deps.logger.warn({ err }, 'checkpoints could not be brought to the witnesses');
    }
  }

  /** What was signed before this process began. */
  async #known(): Promise<Map<string, LedgerCheckpoint>> {
    const newest = new Map<string, LedgerCheckpoint>();
    for (const tree of await this.#deps.store.progress()) {
      const checkpoint = tree.size === 0 ? undefined : await this.#deps.store.checkpoint(tree);
      if (checkpoint !== undefined) newest.set(nameOf(tree), checkpoint);
    }
    return newest;
  }

  async #keep(signed: readonly Cosigned[], newest: Map<string, LedgerCheckpoint>): Promise<void> {
    const changed = new Set<string>();
    for (const { checkpoint, signature } of signed) {
      const name = nameOf(checkpoint);
      newest.set(name, withSignature(newest.get(name) ?? checkpoint, signature));
      changed.add(name);
    }
    await this.#deps.store.keep([...changed].map((name) => newest.get(name) as LedgerCheckpoint));
  }

  /** What one edge signs of them. */
  async #ask(edge: WitnessEdge, newest: readonly LedgerCheckpoint[]): Promise<readonly Cosigned[]> {
    const due = newest.filter((one) => [this.#sizes, this.#refused].every((sizes) => sizes.get(placeOf(edge, one)) !== one.size));
    const signed: Cosigned[] = [];
    try {
      const key = due.length === 0 ? undefined : await this.#keyOf(edge);
      for (const checkpoint of key === undefined ? [] : due) {
        const signature = await this.#cosign(edge, key as VerifierKey, checkpoint);
        if (signature !== undefined) signed.push({ checkpoint, signature });
      }
      this.#away.delete(edge.edgeId);
    } catch (err) {
      const failures = (this.#away.get(edge.edgeId)?.failures ?? 0) + 1;
      this.#away.set(edge.edgeId, { failures, until: this.#deps.now() + backOffMs(failures - 1, retryMs.first, retryMs.most) });
      const why = err instanceof Error ? err.message : String(err);
      this.#deps.logger[failures === 2 ? 'warn' : 'debug']({ err, edgeId: edge.edgeId }, `edge ${edge.edgeId} does not cosign: ${why}`);
    }
    return signed;
  }

  /** The key that the edge said first; another one later is not believed. */
  async #keyOf({ edgeId, url }: WitnessEdge): Promise<VerifierKey> {
    const { name, ...key } = await fetchWitnessKey(url);
    if (name !== witnessName(edgeId)) throw unreachable(url, `the witness there is ${name}`);
    const said = formatVerifierKey({ name, ...key });
    let { verifierKey } = await this.#deps.store.meet({ edgeId, verifierKey: said });
    // Processes of an edge had a witness each, in a version before this one: whichever answered first is known as the edge's.
    if (verifierKey !== said && parseVerifierKey(verifierKey, nodeLedgerHash).name !== name)
      verifierKey = (await this.#deps.store.replaceWitness({ edgeId, verifierKey }, said)).verifierKey;
    if (verifierKey !== said) verifierKey = await this.#sorted(edgeId, verifierKey, said);
    if (verifierKey !== said)
      this.#deps.logger.error(
        { edgeId },
        `the witness of edge ${edgeId} has another key than before: was its folder lost? Its cosignatures count for nothing.`,
      );
    return parseVerifierKey(verifierKey, nodeLedgerHash);
  }

  /** A version before this one also asked edges of other regions: of two that have one name, it may have met the other first. */
  async #sorted(edgeId: string, known: string, said: string): Promise<string> {
    const { store, namesakes, logger } = this.#deps;
    for (const { url } of await namesakes(edgeId)) {
      const other = await fetchWitnessKey(url).catch(() => undefined);
      if (other === undefined || formatVerifierKey(other) !== known) continue;
      logger.warn({ edgeId }, `the key that was known of the witness of edge ${edgeId} is that of another region's edge of that name; its own counts now`);
      return (await store.replaceWitness({ edgeId, verifierKey: known }, said)).verifierKey;
    }
    return known;
  }

  /** @throws OperatingError `WITNESS_UNREACHABLE` when it does not answer, or does not know the ledger yet. */
  async #cosign(edge: WitnessEdge, key: VerifierKey, checkpoint: LedgerCheckpoint): Promise<NoteSignature | undefined> {
    const place = placeOf(edge, checkpoint);
    const parsed = parseCheckpoint(checkpoint.note);
    // Once more with the size that the witness names, when it stands elsewhere.
    for (let [attempt, oldSize] = [0, this.#sizes.get(place) ?? 0]; attempt < 2 && oldSize <= checkpoint.size; attempt++) {
      const proof = await this.#proof(checkpoint, oldSize);
      if (proof === undefined) return undefined;
      const answer = await addCheckpoint(edge.url, key, { oldSize, proof, checkpoint: parsed, note: checkpoint.note });
      if (answer.kind === 'cosigned') {
        this.#sizes.set(place, checkpoint.size);
        return answer.signature;
      }
      if (answer.kind === 'refused') {
        if (answer.status !== 422) throw unreachable(edge.url, `${answer.status} ${answer.text.slice(0, 200).trim()}`);
        this.#refuse(edge, checkpoint, 'has seen another history');
        return undefined;
      }
      oldSize = answer.size;
      if (oldSize > checkpoint.size)
        this.#refuse(edge, checkpoint, `has seen ${oldSize} records, now there are ${checkpoint.size}: was the log or the database set back?`);
    }
    return undefined;
  }

  /** Said once of each checkpoint. */
  #refuse(edge: WitnessEdge, checkpoint: LedgerCheckpoint, why: string): void {
    this.#refused.set(placeOf(edge, checkpoint), checkpoint.size);
    const { topic, partition, size } = checkpoint;
    this.#deps.logger.error({ edgeId: edge.edgeId, topic, partition, size }, `edge ${edge.edgeId} refuses to cosign ${nameOf(checkpoint)}: it ${why}`);
  }

  async #proof(at: LedgerPartition & { readonly size: number }, oldSize: number): Promise<Proof | undefined> {
    const ranges = consistencyRanges(oldSize, at.size);
    const tiles = new Map((await this.#deps.store.tiles(at, tilesFor(ranges, at.size))).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    return rootsOf(ranges, ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash);
  }
}

interface Cosigned {
  readonly checkpoint: LedgerCheckpoint;
  readonly signature: NoteSignature;
}

/** The checkpoint with one signature more, in the place of an earlier one by the same key. */
function withSignature(checkpoint: LedgerCheckpoint, signature: NoteSignature): LedgerCheckpoint {
  const { text, signatures } = parseCheckpoint(checkpoint.note).note;
  const others = signatures.filter(({ name, keyId }) => name !== signature.name || keyId !== signature.keyId);
  return { ...checkpoint, note: formatNote({ text, signatures: [...others, signature] }) };
}

/** By origin: of a tree that was begun anew a witness has seen nothing yet. */
function placeOf({ edgeId }: WitnessEdge, { note }: LedgerCheckpoint): string {
  return `${edgeId}/${note.slice(0, note.indexOf('\n'))}`;
}

/** Of the key of an edge's witness. */
function witnessName(edgeId: string): string {
  return `edge/${edgeId}`;
}

function nameOf({ topic, partition }: LedgerPartition): string {
  return `${topic}/${partition}`;
}
