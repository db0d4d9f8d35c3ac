import type { LogRecord } from '#events';
import { OperatingError } from '#kernel';
import { admitProducer, eventLogErrors, type ExpectedVersion, type Position, type ProducerIdentity } from '#ports';
import type { TopicView } from '../cluster/cluster.ts';
import { latest, listOffsets } from '../cluster/offsets.ts';
import { positionsOf, sharesOf, type Share } from '../write/share.ts';
import { decide, producerOf, visible, type GuardDeps } from './guard-deps.ts';
import { advance, decodeProducerState, encodeProducerState, markOf, type ProducerGuardState } from './guard-state.codec.ts';
import { recall, RecentPositions } from './recall.ts';
import { SubjectHold } from './subject-guard.ts';
import type { TransactionalProducer, TransactionPart } from './transactional-producer.ts';

/** An append under a producer. */
export interface ProducerCall {
  readonly topic: TopicView;
  readonly records: readonly LogRecord[];
  readonly producer: ProducerIdentity;
  readonly expected: ExpectedVersion | undefined;
}

interface Waiting extends ProducerCall {
  readonly resolve: (positions: readonly Position[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Session {
  readonly writer: TransactionalProducer;
  state: ProducerGuardState | undefined;
  /** Of each partition an offset that no later record of ours stands before. */
  readonly floors: bigint[];
}

/** What a call comes to, once it is known what the log remembers. */
interface Decision {
  readonly call: Waiting;
  /** How many of its records were written before. */
  readonly repeated: number;
}

/** Records of appends that wait for each other and are written together. */
const togetherMax = 2000;

/** How the names of a topic's producer guards begin. */
export function producerGuards(topic: string): string {
  return `producer/${topic}/`;
}

/**
 * The appends of one producer to one topic, one transaction at a time. What the log remembers of the producer is written
 * in the same transaction as its records, under the producer's own transactional id: another holder of the id, in
 * whatever process, makes the transaction fail, and then it is read anew what the log remembers.
 */
export class ProducerGuard {
  readonly #name: string;
  readonly #producer: string;
  readonly #deps: GuardDeps;
  readonly #recent = new RecentPositions();
  #waiting: Waiting[] = [];
  #session: Session | undefined;
  #isRunning = false;

  constructor(topic: string, producer: string, deps: GuardDeps) {
    this.#name = `${producerGuards(topic)}${producer}`;
    this.#producer = producer;
    this.#deps = deps;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  /** @throws OperatingError as the port says */
  append(call: ProducerCall): Promise<readonly Position[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...call, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const calls = this.#takeTogether();
      try {
        await decide(
          this.#deps,
          calls[0]?.topic.name ?? '',
          () => this.#attempt(calls),
          () => (this.#session = undefined),
        );
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** The calls that are next in turn and of one epoch; one that expects a version goes alone. */
  #takeTogether(): readonly Waiting[] {
    const first = this.#waiting[0] as Waiting;
    let count = 1;
    let records = first.records.length;
    for (const call of this.#waiting.slice(1)) {
      records += call.records.length;
      if (first.expected !== undefined || call.expected !== undefined || call.producer.epoch !== first.producer.epoch || records > togetherMax) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #attempt(calls: readonly Waiting[]): Promise<void> {
    const { topic, producer } = calls[0] as Waiting;
    const isKnown = this.#session !== undefined;
    this.#session ??= await this.#open(topic, producer);
    let plan = planOf(this.#session, calls);
    // Another process may have gone on under the same epoch: before anybody is refused, it is asked anew.
    if (isKnown && plan.refused.length > 0) {
      this.#session = await this.#open(topic, producer);
      plan = planOf(this.#session, calls);
    }
    const session = this.#session;
    const { decisions, refused, state } = plan;
    const fresh = decisions.flatMap(({ call, repeated }) => call.records.slice(repeated));
    const isNewEpoch = state !== undefined && state.epoch !== session.state?.epoch;
    if (state !== undefined && (fresh.length > 0 || isNewEpoch)) {
      const expected = decisions[0]?.call.expected;
      const sequence = state.next - BigInt(fresh.length);
      await this.#write({ session, topic, fresh, sequence, state, expected, repeated: decisions[0]?.repeated ?? 0 });
    }
    // Only now: a failure before this would have had all of them decided again.
    for (const { call, error } of refused) call.reject(error);
    await Promise.all(decisions.map((decision) => this.#answer(session, decision)));
  }

  async #open(topic: TopicView, { id, epoch }: ProducerIdentity): Promise<Session> {
    await this.#deps.states.ensure();
    // Looked at before the id is taken: one that was replaced must not get in its successor's way.
    const seen = await this.#deps.states.newest(this.#name);
    const current = seen === undefined ? undefined : decodeProducerState(seen);
    if (current !== undefined && current.epoch > epoch) throw eventLogErrors.producerFenced(id, epoch, current.epoch);
    const writer = producerOf(this.#name, this.#deps);
    await writer.take();
    const partitions = topic.leaders.map((_, partition) => partition);
    const [text, ends] = await Promise.all([
      this.#deps.states.newest(this.#name),
      listOffsets(this.#deps.cluster, { topic: topic.name, partitions, time: latest, isCommitted: false }),
    ]);
    const state = text === undefined ? undefined : decodeProducerState(text);
    return { writer, state, floors: partitions.map((partition) => ends.get(partition) ?? 0n) };
  }

  async #write(append: FreshAppend): Promise<void> {
    const { session, topic, fresh, sequence, expected } = append;
    if (session.state?.epoch !== append.state.epoch) this.#recent.clear();
    const shares = sharesOf(fresh, topic.leaders.length, Date.now(), (at) => markOf(this.#producer, append.state.epoch, sequence + BigInt(at)));
    const state = advance(session.state, append.state, sequence, session.floors);
    const parts: TransactionPart[] = [
      ...shares.map((share) => ({ topic: topic.name, ...share })),
      this.#deps.states.part(this.#name, encodeProducerState(state)),
    ];
    const hold = expected === undefined ? undefined : await SubjectHold.take(topic.name, expected.subject, this.#deps);
    if (hold !== undefined && expected !== undefined) parts.push(hold.advance(expected.version + BigInt(append.repeated), expected.version, fresh.length));
    const baseOffsets = await session.writer.write(parts, () => hold?.prove() ?? Promise.resolve());
    const positions = positionsOf(shares, baseOffsets, fresh.length);
    this.#recent.add(sequence, positions);
    session.state = state;
    await visible(this.#deps.cluster, topic.name, raise(session.floors, shares, baseOffsets));
  }

  async #answer(session: Session, { call }: Decision): Promise<void> {
    const { topic, producer, records } = call;
    const known = this.#recent.find(producer.sequence, records.length);
    if (known !== undefined) return call.resolve(known);
    const state = session.state as ProducerGuardState;
    const found = await recall(
      { topic: topic.name, partitions: topic.leaders.length, producer: this.#producer, state, sequence: producer.sequence, records },
      this.#deps,
    );
    if (found === undefined) return call.reject(eventLogErrors.sequenceGap(producer.id, producer.sequence, state.next));
    this.#recent.add(producer.sequence, found);
    call.resolve(found);
  }
}

interface Plan {
  readonly decisions: readonly Decision[];
  readonly refused: ReadonlyArray<{ readonly call: Waiting; readonly error: OperatingError }>;
  /** Once everything is written. */
  readonly state: Parameters<typeof admitProducer>[0];
}

/** What becomes of each call. One that is refused has written nothing: the others are not touched by it. */
function planOf(session: Session, calls: readonly Waiting[]): Plan {
  const decisions: Decision[] = [];
  const refused: Array<Plan['refused'][number]> = [];
  let state: Plan['state'] = session.state;
  for (const call of calls) {
    try {
      const admission = admitProducer(state, call.producer, call.records.length);
      state = admission.state;
      decisions.push({ call, repeated: admission.repeated });
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      refused.push({ call, error });
    }
  }
  return { decisions, refused, state };
}

interface FreshAppend {
  readonly session: Session;
  readonly topic: TopicView;
  readonly fresh: readonly LogRecord[];
  /** Of the first fresh record. */
  readonly sequence: bigint;
  readonly state: NonNullable<Parameters<typeof admitProducer>[0]>;
  readonly expected: ExpectedVersion | undefined;
  readonly repeated: number;
}

/** Moves the floors behind what was written, and answers where the written partitions end now. */
function raise(floors: bigint[], shares: readonly Share[], baseOffsets: readonly bigint[]): ReadonlyMap<number, bigint> {
  const ends = new Map(shares.map(({ partition, records }, at) => [partition, (baseOffsets[at] as bigint) + BigInt(records.length)]));
  for (const [partition, end] of ends) floors[partition] = end;
  return ends;
}
