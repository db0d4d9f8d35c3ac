import type { StatementSync } from 'node:sqlite';
import type { ProducerIdentity, ProducerState } from '#ports';
import type { LogDatabase } from './log-database.ts';

/** Appends of one producer whose positions are kept for repetitions … */
export const appendsKept = 10_000;
/** … and after how many further ones the older are dropped. */
const trimEvery = 1000;

export interface ProducerRow extends ProducerState {
  readonly ref: bigint;
  readonly appends: bigint;
}

/** What the log remembers of producers: where their sequences stand, and where their latest appends went. */
export class ProducerTable {
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #remember: StatementSync;
  readonly #recall: StatementSync;
  readonly #oldest: StatementSync;
  readonly #drop: StatementSync;
  readonly #firstKept: StatementSync;

  constructor(db: LogDatabase) {
    this.#find = db.prepare('SELECT ref, epoch, first, next, appends FROM producer WHERE topic = ? AND name = ?');
    this.#insert = db.prepare('INSERT INTO producer (topic, name, epoch, first, next, appends) VALUES (?, ?, ?, ?, ?, 1)');
    this.#update = db.prepare('UPDATE producer SET epoch = ?, first = ?, next = ?, appends = ? WHERE ref = ?');
    this.#remember = db.prepare('INSERT INTO producer_append (producer, epoch, sequence, positions) VALUES (?, ?, ?, ?)');
    this.#recall = db.prepare(`
      SELECT sequence, positions FROM producer_append
      WHERE producer = ?1 AND epoch = ?2 AND sequence < ?4
        AND sequence >= (SELECT max(sequence) FROM producer_append WHERE producer = ?1 AND epoch = ?2 AND sequence <= ?3)
      ORDER BY sequence`);
    this.#oldest = db.prepare(`SELECT epoch, sequence FROM producer_append WHERE producer = ? ORDER BY epoch DESC, sequence DESC LIMIT 1 OFFSET ${appendsKept - 1}`);
    this.#drop = db.prepare('DELETE FROM producer_append WHERE producer = ? AND (epoch, sequence) < (?, ?)');
    this.#firstKept = db.prepare('SELECT min(sequence) AS first FROM producer_append WHERE producer = ? AND epoch = ?');
    for (const statement of [this.#find, this.#recall, this.#oldest, this.#firstKept]) statement.setReadBigInts(true);
  }

  find(topic: number, name: string): ProducerRow | undefined {
    return this.#find.get(topic, name) as unknown as ProducerRow | undefined;
  }

  /** Moves the producer on and remembers where the new records, which begin at `sequence`, went. */
  advance(topic: number, known: ProducerRow | undefined, producer: ProducerIdentity, state: ProducerState, sequence: bigint, positions: Float64Array): void {
    const ref = known === undefined ? this.#insert.run(topic, producer.id, state.epoch, state.first, state.next).lastInsertRowid : known.ref;
    if (positions.length > 0) this.#remember.run(ref, state.epoch, sequence, new Uint8Array(positions.buffer, positions.byteOffset, positions.byteLength));
    if (known === undefined) return;
    const appends = known.appends + 1n;
    const first = appends % BigInt(trimEvery) === 0n ? this.#trim(known.ref, state) : state.first;
    this.#update.run(state.epoch, first, state.next, appends, known.ref);
  }

  /** Where `count` records from `sequence` on went. */
  recall(producer: ProducerRow, sequence: bigint, count: number): Float64Array {
    const found = new Float64Array(count);
    for (const row of this.#recall.all(producer.ref, producer.epoch, sequence, sequence + BigInt(count))) {
      const bytes = row['positions'] as Uint8Array;
      const positions = new Float64Array(bytes.slice().buffer);
      const start = Number((row['sequence'] as bigint) - sequence);
      for (let at = Math.max(0, -start); at < positions.length && start + at < count; at++) found[start + at] = positions[at] as number;
    }
    return found;
  }

  /** Drops what is too old to be repeated; answers the first sequence that still can be. */
  #trim(ref: bigint, state: ProducerState): bigint {
    const oldest = this.#oldest.get(ref);
    if (oldest === undefined) return state.first;
    this.#drop.run(ref, oldest['epoch'] as bigint, oldest['sequence'] as bigint);
    return (this.#firstKept.get(ref, state.epoch)?.['first'] as bigint | null) ?? state.next;
  }
}
