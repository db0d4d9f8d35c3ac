import { randomUUID } from 'node:crypto';
import type { LogRecord } from '#events';
import { eventLogErrors, type ExpectedVersion, type Position } from '#ports';
import type { TopicView } from '../cluster/cluster.ts';
import { positionsOf, sharesOf, type Share } from '../write/share.ts';
import { decide, producerOf, visible, type GuardDeps } from './guard-deps.ts';
import { decodeSubjectState, encodeSubjectState, type SubjectGuardState } from './guard-state.codec.ts';
import type { TransactionalProducer, TransactionPart } from './transactional-producer.ts';

/** How the names of all guards of a topic's subjects begin. */
export function subjectGuards(topic: string): string {
  return `subject/${topic}/`;
}

/** A subject in our hands: as long as nobody else takes it, its version is what we have read. */
export class SubjectHold {
  readonly #guard: string;
  readonly #subject: string;
  readonly #deps: GuardDeps;
  readonly writer: TransactionalProducer;
  #state: SubjectGuardState;

  private constructor(guard: string, subject: string, writer: TransactionalProducer, state: SubjectGuardState, deps: GuardDeps) {
    this.#guard = guard;
    this.#subject = subject;
    this.writer = writer;
    this.#state = state;
    this.#deps = deps;
  }

  /** Takes the subject from whoever holds it. @throws BrokerRefusal, or as the network does */
  static async take(topic: string, subject: string, deps: GuardDeps): Promise<SubjectHold> {
    const guard = `${subjectGuards(topic)}${subject}`;
    await deps.states.ensure();
    const writer = producerOf(guard, deps);
    await writer.take();
    const text = await deps.states.newest(guard);
    return new SubjectHold(guard, subject, writer, text === undefined ? { version: 0n, last: '' } : decodeSubjectState(text), deps);
  }

  get version(): bigint {
    return this.#state.version;
  }

  /** Id of the append that came to the version at hand. */
  get last(): string {
    return this.#state.last;
  }

  /** What has to be written with `count` records. @throws OperatingError `VERSION_CONFLICT` */
  advance(current: bigint, expected: bigint, count: number, append = randomUUID() as string): TransactionPart {
    if (this.#state.version !== current) throw eventLogErrors.versionConflict(this.#subject, expected, this.#state.version);
    return this.#deps.states.part(this.#guard, encodeSubjectState({ version: current + BigInt(count), last: append }));
  }

  /** The version as it is after what was written. */
  advanced(count: number, append: string): void {
    this.#state = { version: this.#state.version + BigInt(count), last: append };
  }

  /**
   * For one who writes the subject's version in a transaction of his own: done once the version is on the log and before
   * that transaction is committed, it proves that nobody else holds the subject. Whoever takes it later finds the version
   * on its way, and waits for it.
   */
  prove(): Promise<void> {
    return this.writer.prove(this.#deps.states.name, this.#deps.states.partitionOf(this.#guard));
  }
}

/** Appends to one topic that expect a version of one subject. */
export class SubjectGuard {
  readonly #topic: string;
  readonly #subject: string;
  readonly #deps: GuardDeps;
  #hold: SubjectHold | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #underWay = 0;

  constructor(topic: string, subject: string, deps: GuardDeps) {
    this.#topic = topic;
    this.#subject = subject;
    this.#deps = deps;
  }

  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** @throws OperatingError as the port says */
  append(topic: TopicView, records: readonly LogRecord[], expected: ExpectedVersion): Promise<readonly Position[]> {
    this.#underWay++;
    const turn = this.#tail.then(() => this.#append(topic, records, expected)).finally(() => this.#underWay--);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #append(topic: TopicView, records: readonly LogRecord[], { version }: ExpectedVersion): Promise<readonly Position[]> {
    const id = randomUUID();
    const shares = sharesOf(records, topic.leaders.length, Date.now());
    let baseOffsets: readonly bigint[] = [];
    return decide(
      this.#deps,
      topic.name,
      async () => {
        // Another process may have gone on: before a version is refused, it is asked anew.
        if (this.#hold?.version !== version && this.#hold?.last !== id) this.#hold = undefined;
        const hold = (this.#hold ??= await SubjectHold.take(this.#topic, this.#subject, this.#deps));
        // An attempt before was written after all, only its answer was lost.
        if (hold.last !== id) {
          const parts = [...shares.map((share) => ({ topic: topic.name, ...share })), hold.advance(version, version, records.length, id)];
          await hold.writer.write(parts, async (offsets) => void (baseOffsets = offsets));
          hold.advanced(records.length, id);
        }
        await visible(this.#deps.cluster, topic.name, endsOf(shares, baseOffsets));
        return positionsOf(shares, baseOffsets, records.length);
      },
      () => (this.#hold = undefined),
    );
  }
}

function endsOf(shares: readonly Share[], baseOffsets: readonly bigint[]): ReadonlyMap<number, bigint> {
  return new Map(shares.map(({ partition, records }, at) => [partition, (baseOffsets[at] as bigint) + BigInt(records.length)]));
}
