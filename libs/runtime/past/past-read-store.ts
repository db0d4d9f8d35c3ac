import { topicPartitions, type DomainEvent } from '#events';
import { ChangeFold, keyTextOf, OperatingError, partitionOf, type Projection, type TableSpec } from '#kernel';
import {
  checkQuery,
  ReadStore,
  rowsFor,
  type EventLog,
  type PastCut,
  type PartitionHead,
  type PastStore,
  type ProjectionPartition,
  type ReadQuery,
  type ReadRow,
  type ReadSnapshot,
  type StoredPiece,
  type VersionView,
} from '#ports';
import { gapBefore, type PastGap } from './past-gap.ts';
import { rowsOfBlock } from './past-block.codec.ts';
import { isIn, mayAnswer, rangeOf } from './past-query.ts';
import { nothingLeftOut, type LeftOut } from '../left-out.ts';
import { readTail, type Tail } from './past-tail.ts';

/** A moment, as positions of the log. */
export interface PastMoment {
  /** Of a time, ms since the Unix epoch; undefined for positions. */
  readonly atMs?: number | undefined;
  /** How much of a partition had been recorded by then: what is before this offset. */
  before(topic: string, partition: number): Promise<bigint>;
}

export interface PastReadsInit {
  readonly projections: readonly Projection<DomainEvent>[];
  readonly moment: PastMoment;
  /** Records of one partition that are folded behind the last piece, at most. */
  readonly tailMax: number;
  /** Rows of a table that are joined for one answer, at most. */
  readonly rowsMax: number;
}

export interface PastReadsDeps {
  readonly log: EventLog;
  readonly past: PastStore;
  /** The version whose rows serve; without it, and while none does, rows of the one that is asked here that lack what its past does. */
  readonly serving?: (projection: string) => Promise<Pick<VersionView, 'version' | 'begins'> | undefined>;
  /** What a projection leaves out; without it, nothing is. */
  readonly leftOut?: (projection: string) => Promise<LeftOut>;
}

/** What is known of a partition as of the moment. */
interface Place extends ProjectionPartition {
  readonly before: bigint;
  readonly chain: readonly StoredPiece[];
  /** Where the rest begins that is folded from the log. */
  readonly tailFrom: bigint;
}

type Gap = ProjectionPartition & PastGap;

/**
 * Read models as they stood at a moment: for each partition the chain of pieces before it, joined with the events behind the
 * last piece. It answers for one moment, is as cheap as its first question, and remembers what it has read for the next.
 *
 * Besides the errors of a read store: `PAST_NOT_KEPT` (retryable: what is needed is being folded), `PAST_TOO_LARGE`,
 * `PAST_TRUNCATED` (neither the log nor pieces reach back so far), `PAST_AHEAD` (it does not reach so far yet).
 */
export class PastReadStore extends ReadStore {
  readonly #init: PastReadsInit;
  readonly #deps: PastReadsDeps;
  readonly #places = new Map<string, Promise<Place>>();
  readonly #tails = new Map<string, Promise<Tail>>();
  readonly #leftOut = new Map<string, Promise<LeftOut>>();
  #log: Promise<string> | undefined;

  constructor(init: PastReadsInit, deps: PastReadsDeps) {
    super();
    this.#init = init;
    this.#deps = deps;
  }

  override async select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    checkQuery(table, query);
    const projection = this.#projectionOf(table);
    const key = partitionKeyOf(projection, table, query);
    const places = await this.#placesOf(projection, key);
    const fold = new ChangeFold(projection.tables);
    await this.#addPieces(fold, table, query, places);
    for (const place of places) await this.#addTail(fold, projection, table, query, place, key);
    this.#checkSize(table, fold);
    return rowsFor(table, query, fold.changes());
  }

  override async snapshot(projection: string, table: TableSpec, query: ReadQuery): Promise<ReadSnapshot> {
    const model = this.#projectionOf(table);
    const places = await this.#placesOf(model, undefined);
    const checkpoints = places.map(({ topic, partition, before }) => ({ topic, partition, position: before }));
    return { rows: await this.select(table, query), version: projection === model.name ? model.version : 0, serving: 'past', checkpoints };
  }

  /** When the last event was recorded that the rows of a key may have, ms; null when there was none. */
  async lastRecordedAtMs(table: TableSpec, key: string): Promise<number | null> {
    const projection = this.#projectionOf(table);
    let last: number | null = null;
    for (const place of await this.#placesOf(projection, key)) {
      const { lastRecordedAtMs } = await this.#tail(projection, place, key);
      const atMs = lastRecordedAtMs ?? place.chain.findLast((piece) => piece.lastRecordedAtMs !== null && piece.gone !== true)?.lastRecordedAtMs ?? null;
      if (atMs !== null) last = Math.max(last ?? 0, atMs);
    }
    return last;
  }

  #projectionOf(table: TableSpec): Projection<DomainEvent> {
    const found = this.#init.projections.find(({ tables }) => tables.some(({ name }) => name === table.name));
    if (found === undefined) throw new OperatingError(`No projection has a table ${table.name}.`, { code: 'TABLE_UNKNOWN', retryable: false });
    return found;
  }

  /** The partitions that can have rows for the query, asked for together and once. */
  async #placesOf(projection: Projection<DomainEvent>, key: string | undefined): Promise<readonly Place[]> {
    const partitions = key === undefined ? Array.from({ length: topicPartitions }, (_, at) => at) : [partitionOf(key, topicPartitions)];
    const wanted = projection.contexts.flatMap((topic) => partitions.map((partition) => ({ topic, partition })));
    const missing = wanted.filter((at) => !this.#places.has(nameOf(projection, at)));
    if (missing.length > 0) {
      const found = this.#findPlaces(projection, missing);
      found.catch(() => missing.forEach((at) => this.#places.delete(nameOf(projection, at))));
      missing.forEach((at, index) =>
        this.#places.set(
          nameOf(projection, at),
          found.then((places) => places[index] as Place),
        ),
      );
    }
    return Promise.all(wanted.map((at) => this.#places.get(nameOf(projection, at)) as Promise<Place>));
  }

  async #findPlaces(projection: Projection<DomainEvent>, wanted: readonly ProjectionPartition[]): Promise<readonly Place[]> {
    const { log, past } = this.#deps;
    const { moment } = this.#init;
    const cuts = await Promise.all(wanted.map(async (at) => ({ ...at, before: await moment.before(at.topic, at.partition) })));
    const heads = new Map<string, PartitionHead>();
    for (const topic of new Set(wanted.map((at) => at.topic))) for (const head of await log.heads(topic)) heads.set(`${topic}/${head.partition}`, head);
    this.#log ??= log.identity();
    const model = { log: await this.#log, projection: projection.name, version: projection.version };
    const chains = await past.chains(model, cuts);
    const found = cuts.map((cut, at) => {
      const chain = chains[at] ?? [];
      const { low, high } = heads.get(`${cut.topic}/${cut.partition}`) ?? { low: 0n, high: 0n };
      if (cut.before > high) throw pastError('PAST_AHEAD', `The log of ${cut.topic}/${cut.partition} ends at ${high}, before the position ${cut.before}.`);
      return { ...cut, chain, low, gap: gapBefore({ ...cut, atMs: moment.atMs }, chain, low) };
    });
    const gaps = found.flatMap(({ gap, ...cut }) => (gap === undefined ? [] : [{ ...cut, ...gap }]));
    const rowsLackMore = gaps.length > 0 && (await this.#checkGaps(projection, gaps));
    return found.map(({ gap, low, chain, ...cut }) => {
      const mine = gap === undefined || !rowsLackMore ? chain : chain.filter(({ first }) => first >= gap.next);
      return { ...cut, chain: mine, tailFrom: this.#tailFrom(cut, low, mine.at(-1)?.next ?? 0n) };
    });
  }

  /**
   * Behind what is lost, rows are those that serve where these lack the same: whoever accepted that lives with it. Within it nothing is
   * known; nor is it where the rows that serve know more: those of another version, or of a database whose past was lost alone.
   * Answers whether those rows lack what came before what is lost, too: what became of that nobody knows.
   * @throws OperatingError `PAST_TRUNCATED`
   */
  async #checkGaps({ name, version }: Projection<DomainEvent>, gaps: readonly Gap[]): Promise<boolean> {
    const at = (gap: Gap): string => `what ${gap.topic}/${gap.partition} held before ${gap.next} was removed from the log (LOG_SEALED_DAYS)`;
    const within = gaps.find(({ hasMoment }) => hasMoment);
    if (within !== undefined) throw pastError('PAST_TRUNCATED', `The moment that is asked for is no longer kept: ${at(within)}.`);
    const serving = await this.#deps.serving?.(name);
    if (serving === undefined) return false;
    const known = gaps.find((gap) => gap.next > firstOf(serving.begins, gap));
    if (serving.version === version && known === undefined) return true;
    const why = `${at(known ?? (gaps[0] as Gap))} before it was folded`;
    throw pastError('PAST_TRUNCATED', `The past of version ${version} of ${name} lacks what its rows of version ${serving.version} have: ${why}.`);
  }

  /** @throws OperatingError `PAST_NOT_KEPT` */
  #tailFrom({ topic, partition, before }: PastCut, low: bigint, kept: bigint): bigint {
    const where = `${topic}/${partition}`;
    const from = kept < low ? (before < low ? before : low) : kept;
    const rest = before - from;
    if (rest <= BigInt(this.#init.tailMax)) return from;
    throw new OperatingError(`The past of ${where} is kept up to ${from}, ${rest} events before the moment that is asked for; it is being folded.`, {
      code: 'PAST_NOT_KEPT',
      retryable: true,
    });
  }

  async #addPieces(fold: ChangeFold, table: TableSpec, query: ReadQuery, places: readonly Place[]): Promise<void> {
    const range = rangeOf(table, query);
    const ids = places.flatMap(({ chain }) => chain.map(({ id }) => id));
    for (const { bytes, firstKey, lastKey } of await this.#deps.past.blocks(ids, range)) {
      const whole = isIn(range, firstKey) && isIn(range, lastKey);
      for (const row of rowsOfBlock(table, bytes)) {
        if ((whole || isIn(range, keyTextOf(table, row.key))) && mayAnswer(query.where ?? [], row)) fold.add(row);
      }
      this.#checkSize(table, fold);
    }
  }

  async #addTail(
    fold: ChangeFold,
    projection: Projection<DomainEvent>,
    table: TableSpec,
    { where = [] }: ReadQuery,
    place: Place,
    key: string | undefined,
  ): Promise<void> {
    const { changes } = await this.#tail(projection, place, key);
    for (const change of changes) if (change.table === table.name && mayAnswer(where, change)) fold.add(change);
  }

  #tail(projection: Projection<DomainEvent>, { topic, partition, tailFrom, before }: Place, key: string | undefined): Promise<Tail> {
    const name = `${nameOf(projection, { topic, partition })}/${key ?? ''}`;
    const known = this.#tails.get(name);
    if (known !== undefined) return known;
    const part = { topic, partition, from: tailFrom, to: before, key };
    const tail = this.#leftOutOf(projection).then((leftOut) => readTail(this.#deps.log, projection, { ...part, leftOut }));
    this.#tails.set(name, tail);
    tail.catch(() => this.#tails.delete(name));
    return tail;
  }

  #leftOutOf({ name }: Projection<DomainEvent>): Promise<LeftOut> {
    const known = this.#leftOut.get(name) ?? this.#deps.leftOut?.(name) ?? Promise.resolve(nothingLeftOut);
    this.#leftOut.set(name, known);
    return known;
  }

  #checkSize(table: TableSpec, fold: ChangeFold): void {
    if (fold.size <= this.#init.rowsMax) return;
    throw pastError('PAST_TOO_LARGE', `More than ${this.#init.rowsMax} rows of ${table.name} would have to be joined: ask for fewer by their keys.`);
  }
}

/** Where rows begin in a partition. */
function firstOf(begins: VersionView['begins'], { topic, partition }: ProjectionPartition): bigint {
  return begins.find((one) => one.topic === topic && one.partition === partition)?.first ?? 0n;
}

function pastError(code: string, message: string): OperatingError {
  return new OperatingError(message, { code, retryable: false });
}

function nameOf({ name }: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): string {
  return `${name}/${topic}/${partition}`;
}

/** The key of the events that wrote the rows, when the query asks for rows of one alone. */
function partitionKeyOf(projection: Projection<DomainEvent>, table: TableSpec, { where = [], keys }: ReadQuery): string | undefined {
  const column = projection.partitionedBy?.[table.name];
  if (column === undefined) return undefined;
  const condition = where.find((one) => one.column === column && one.is === 'eq');
  if (condition !== undefined) return String(condition.value);
  const named = new Set((keys ?? []).map((key) => String(key[column])));
  return named.size === 1 ? [...named][0] : undefined;
}
