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
import { addCheckpoint, fetchWitnessKey } from './witness-client.ts';

/** An edge that is asked as a witness. */
export interface WitnessEdge {
  readonly edgeId: string;
  readonly url: string;
}

export interface WitnessRoundsDeps {
  readonly store: LedgerStore;
  readonly edges: () => Promise<readonly WitnessEdge[]>;
  readonly logger: Logger;
  readonly now: () => number;
}

const retryMs = { first: 5000, most: 300_000 };

interface Away {
  readonly failures: number;
  readonly until: number;
}

/**
 * Asks the known edges to cosign checkpoints: each says by that that what it saw before is the beginning of what it sees
 * now. Nobody waits for it. An edge that is away, or refuses, leaves a checkpoint without its signature.
 */
export class WitnessRounds {
  readonly #deps: WitnessRoundsDeps;
  /** The newest checkpoint of each partition that was not brought round yet. */
  readonly #due = new Map<string, LedgerCheckpoint>();
  readonly #away = new Map<string, Away>();
  /** At which size each witness stands, as far as known. */
  readonly #sizes = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(deps: WitnessRoundsDeps) {
    this.#deps = deps;
  }

  offer(checkpoints: readonly LedgerCheckpoint[]): void {
    for (const checkpoint of checkpoints) this.#due.set(nameOf(checkpoint), checkpoint);
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Waits for the round that is under way. */
  async stop(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#due.size > 0) {
      const due = [...this.#due.values()];
      this.#due.clear();
      try {
        const edges = (await this.#deps.edges()).filter(({ edgeId }) => this.#deps.now() >= (this.#away.get(edgeId)?.until ?? 0));
        const rounds = await Promise.all(edges.map((edge) => this.#ask(edge, due)));
        await this.#deps.store.keep(
          due.flatMap((checkpoint) =>
            cosigned(
              checkpoint,
              rounds.flatMap((round) => round.get(nameOf(checkpoint)) ?? []),
            ),
          ),
        );
      } catch (err) {
        this.#deps.logger.warn({ err }, 'checkpoints could not be brought to the witnesses');
      }
    }
  }

  /** What one edge signs of them, by partition. */
  async #ask(edge: WitnessEdge, due: readonly LedgerCheckpoint[]): Promise<ReadonlyMap<string, NoteSignature>> {
    const signatures = new Map<string, NoteSignature>();
    try {
      const key = await this.#keyOf(edge);
      for (const checkpoint of due) {
        const signature = await this.#cosign(edge, key, checkpoint);
        if (signature !== undefined) signatures.set(nameOf(checkpoint), signature);
      }
      this.#away.delete(edge.edgeId);
    } catch (err) {
      const failures = (this.#away.get(edge.edgeId)?.failures ?? 0) + 1;
      this.#away.set(edge.edgeId, { failures, until: this.#deps.now() + backOffMs(failures - 1, retryMs.first, retryMs.most) });
      this.#deps.logger[failures === 1 ? 'warn' : 'debug'](
        { err, edgeId: edge.edgeId },
        `edge ${edge.edgeId} does not cosign: ${err instanceof Error ? err.message : String(err)}`,
      );
    }
    return signatures;
  }

  /** The key that the edge said first; another one later is not believed. */
  async #keyOf({ edgeId, url }: WitnessEdge): Promise<VerifierKey> {
    const said = await fetchWitnessKey(url);
    const { verifierKey } = await this.#deps.store.meet({ edgeId, verifierKey: formatVerifierKey(said) });
    if (verifierKey !== formatVerifierKey(said))
      this.#deps.logger.error(
        { edgeId },
        `the witness of edge ${edgeId} has another key than before: was its folder lost? Its cosignatures count for nothing.`,
      );
    return parseVerifierKey(verifierKey, nodeLedgerHash);
  }

  async #cosign(edge: WitnessEdge, key: VerifierKey, checkpoint: LedgerCheckpoint): Promise<NoteSignature | undefined> {
    const place = `${edge.edgeId}/${nameOf(checkpoint)}`;
    const parsed = parseCheckpoint(checkpoint.note);
    let oldSize = this.#sizes.get(place) ?? 0;
    // Once more with the size that the witness names, when it stands elsewhere.
    for (let attempt = 0; attempt < 2; attempt++) {
      const proof = await this.#proof(checkpoint, oldSize);
      if (proof === undefined) break;
      const answer = await addCheckpoint(edge.url, key, { oldSize, proof, checkpoint: parsed, note: checkpoint.note });
      if (answer.kind === 'cosigned') {
        this.#sizes.set(place, checkpoint.size);
        return answer.signature;
      }
      if (answer.kind === 'refused') {
        const facts = { edgeId: edge.edgeId, topic: checkpoint.topic, partition: checkpoint.partition, size: checkpoint.size, status: answer.status };
        const forked = answer.status === 422;
        this.#deps.logger[forked ? 'error' : 'warn'](
          facts,
          forked
            ? `edge ${edge.edgeId} has seen another history of ${nameOf(checkpoint)}`
            : `edge ${edge.edgeId} did not cosign ${nameOf(checkpoint)}: ${answer.text.slice(0, 200)}`,
        );
        return undefined;
      }
      oldSize = answer.size;
      if (oldSize > checkpoint.size) {
        this.#deps.logger.error(
          { edgeId: edge.edgeId, seen: oldSize, size: checkpoint.size },
          `edge ${edge.edgeId} has seen ${nameOf(checkpoint)} with ${oldSize} records, now there are ${checkpoint.size}: was the log or the database set back?`,
        );
        return undefined;
      }
    }
    return undefined;
  }

  async #proof(at: LedgerPartition & { readonly size: number }, oldSize: number): Promise<Proof | undefined> {
    const ranges = consistencyRanges(oldSize, at.size);
    const tiles = new Map((await this.#deps.store.tiles(at, tilesFor(ranges, at.size))).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    return rootsOf(ranges, ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash);
  }
}

/** The checkpoint with the signatures of witnesses under it; none when there are none. */
function cosigned(checkpoint: LedgerCheckpoint, more: readonly NoteSignature[]): readonly LedgerCheckpoint[] {
  if (more.length === 0) return [];
  const { text, signatures } = parseCheckpoint(checkpoint.note).note;
  return [{ ...checkpoint, note: formatNote({ text, signatures: [...signatures, ...more] }) }];
}

function nameOf({ topic, partition }: LedgerPartition): string {
  return `${topic}/${partition}`;
}
