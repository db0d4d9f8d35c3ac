import type { StatementSync } from 'node:sqlite';
import { assert } from '#kernel';
import type { ProducerState } from '#ports';
import type { LogDatabase } from './log-database.ts';

/** Appends of one producer whose positions are kept for repetitions … */
export const appendsKept = 10_000;
/** … and after how many appends of any producer the one at hand is trimmed to them; a prime, so that it meets each in turn. */
const trimEvery = 997;

export interface ProducerRow extends ProducerState {
  readonly ref: bigint;
}

export interface ProducerAppend {
  readonly topic: number;
  readonly name: string;
  /** Undefined for a producer that the topic does not know yet. */
  readonly ref: bigint | undefined;
  readonly state: ProducerState;
  readonly sequence: bigint;
  readonly positions: Float64Array;
}

/** What the log remembers of producers: where their latest appends went, and thereby which sequence is due. */
export class ProducerTable {
  readonly #ref: StatementSync;
  readonly #insert: StatementSync;
  readonly #last: StatementSync;
  readonly #first: StatementSync;
  readonly #remember: StatementSync;
  readonly #recall: StatementSync;
  readonly #oldestKept: StatementSync;
  readonly #drop: StatementSync;
  readonly #dropAppends: StatementSync;
  readonly #dropProducers: StatementSync;
  /** Begins anywhere, so that processes that end early trim as well. */
  #appends = Math.floor(Math.random() * trimEvery);

  constructor(db: LogDatabase) {
    this.#ref = db.prepare('SELECT ref FROM producer WHERE topic = ? AND name = ?');
    this.#insert = db.prepare('INSERT INTO producer (topic, name) VALUES (?, ?)');
    this.#last = db.prepare(
      'SELECT epoch, sequence, octet_length(positions) / 8 AS count FROM producer_append WHERE producer = ? ORDER BY epoch DESC, sequence DESC LIMIT 1',
    );
    this.#first = db.prepare('SELECT min(sequence) AS first FROM producer_append WHERE producer = ? AND epoch = ?');
    this.#remember = db.prepare('INSERT OR REPLACE INTO producer_append (producer, epoch, sequence, positions) VALUES (?, ?, ?, ?)');
    this.#recall = db.prepare(`
      SELECT sequence, positions FROM producer_append
      WHERE producer = ?1 AND epoch = ?2 AND sequence < ?4
        AND sequence >= (SELECT max(sequence) FROM producer_append WHERE producer = ?1 AND epoch = ?2 AND sequence <= ?3)
      ORDER BY sequence`);
    this.#oldestKept = db.prepare(
      `SELECT epoch, sequence FROM producer_append WHERE producer = ? ORDER BY epoch DESC, sequence DESC LIMIT 1 OFFSET ${appendsKept - 1}`,
    );
    this.#drop = db.prepare('DELETE FROM producer_append WHERE producer = ? AND (epoch, sequence) < (?, ?)');
    this.#dropAppends = db.prepare('DELETE FROM producer_append WHERE producer IN (SELECT ref FROM producer WHERE topic = ?)');
    this.#dropProducers = db.prepare('DELETE FROM producer WHERE topic = ?');
    for (const statement of [this.#ref, this.#last, this.#first, this.#recall, this.#oldestKept]) statement.setReadBigInts(true);
  }

  find(topic: number, name: string): ProducerRow | undefined {
    const ref = this.#ref.get(topic, name)?.['ref'] as bigint | undefined;
    if (ref === undefined) return undefined;
    const last = this.#last.get(ref) as unknown as { readonly epoch: bigint; readonly sequence: bigint; readonly count: bigint };
    const first = this.#first.get(ref, last.epoch)?.['first'] as bigint;
    return { ref, epoch: last.epoch, first, next: last.sequence + last.count };
  }

  /** Moves the producer on to `state`, and remembers where its new records, which begin at `sequence`, went. */
  remember({ topic, name, ref: known, state, sequence, positions }: ProducerAppend): ProducerRow {
    const ref = known ?? BigInt(this.#insert.run(topic, name).lastInsertRowid);
    this.#remember.run(ref, state.epoch, sequence, new Uint8Array(positions.buffer, positions.byteOffset, positions.byteLength));
    this.#appends += 1;
    const first = this.#appends % trimEvery === 0 ? this.#trim(ref, state) : state.first;
    return { ...state, ref, first };
  }

  /** Within a write transaction: the topic's producers are new to the log from now on. */
  forget(topic: number): void {
    this.#dropAppends.run(topic);
    this.#dropProducers.run(topic);
  }

  /** Where `count` records from `sequence` on went. */
  recall(producer: ProducerRow, sequence: bigint, count: number): Float64Array {
    const found = new Float64Array(count);
    let recalled = 0;
    for (const row of this.#recall.all(producer.ref, producer.epoch, sequence, sequence + BigInt(count))) {
      const bytes = row['positions'] as Uint8Array;
      const positions = new Float64Array(bytes.slice().buffer);
      const start = Number((row['sequence'] as bigint) - sequence);
      for (let at = Math.max(0, -start); at < positions.length && start + at < count; at++) {
        found[start + at] = positions[at] as number;
        recalled += 1;
      }
    }
    assert(recalled === count, `of ${count} records of a producer ${recalled} are remembered`);
    return found;
  }

  /** Drops what is too old to be repeated; answers the first sequence that still can be. */
  #trim(ref: bigint, state: ProducerState): bigint {
    const oldest = this.#oldestKept.get(ref);
    if (oldest !== undefined) this.#drop.run(ref, oldest['epoch'] as bigint, oldest['sequence'] as bigint);
    return this.#first.get(ref, state.epoch)?.['first'] as bigint;
  }
}
