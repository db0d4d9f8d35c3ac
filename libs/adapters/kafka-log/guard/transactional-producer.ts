import { addPartitionsToTxnV3, endTxnV3, initProducerIdV4, type CompressionAlgorithmValue } from '@platformatic/kafka';
import type { Cluster } from '../cluster/cluster.ts';
import { send } from '../cluster/connections.ts';
import { answerOf, BrokerRefusal } from '../kafka-log.errors.ts';
import { createProduceRequest, produceApi, type ProduceTopic } from '../wire/produce.codec.ts';
import { encodeBatch, encodeRecords, type RecordToEncode } from '../wire/record-batch.codec.ts';

/** Records for one partition, written with others in one transaction. */
export interface TransactionPart {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RecordToEncode[];
}

export interface TransactionalProducerInit {
  readonly transactionalId: string;
  /** After which the broker aborts a transaction that nobody ends, ms. */
  readonly timeoutMs: number;
  readonly compression: CompressionAlgorithmValue;
  /** Of the connections for transactions. */
  readonly use: string;
}

const brokerTimeoutMs = 6000;
const stepBudgetMs = 10_000;

/**
 * The holder of a transactional id. Whoever takes the id shuts out its holder before: the broker then refuses every step
 * of the other's transaction, its end included.
 *
 * Every method throws a `BrokerRefusal`, or as the network does. What became of a transaction is then unknown until the
 * id is taken again, which ends it one way or the other.
 */
export class TransactionalProducer {
  readonly #init: TransactionalProducerInit;
  readonly #cluster: Cluster;
  readonly #sequences = new Map<string, number>();
  #id = -1n;
  #epoch = -1;

  constructor(init: TransactionalProducerInit, cluster: Cluster) {
    this.#init = init;
    this.#cluster = cluster;
  }

  /** Takes the id; a transaction of its holder before is aborted, or, if its end was decided, completed. */
  async take(): Promise<void> {
    const { transactionalId, timeoutMs, use } = this.#init;
    const { producerId, producerEpoch } = await this.#insist(() =>
      this.#cluster.coordinator(transactionalId, use, (connection) => initProducerIdV4.api.async(connection, transactionalId, timeoutMs, -1n, -1)),
    );
    this.#id = producerId;
    this.#epoch = producerEpoch;
    this.#sequences.clear();
  }

  /**
   * Writes all parts or none of them, and answers the first offset of each. `beforeEnd` is the last chance to refuse; it
   * sees the offsets that the parts will have.
   */
  async write(given: readonly TransactionPart[], beforeEnd?: (baseOffsets: readonly bigint[]) => Promise<void>): Promise<readonly bigint[]> {
    const { parts, places } = joined(given);
    await this.#addPartitions(parts);
    let baseOffsets: readonly bigint[];
    try {
      const written = await this.#produce(parts);
      baseOffsets = places.map(({ part, before }) => (written[part] as bigint) + BigInt(before));
      await beforeEnd?.(baseOffsets);
    } catch (error) {
      await this.#end(false).catch(() => undefined);
      throw error;
    }
    await this.#end(true);
    return baseOffsets;
  }

  /** Does nothing but fail when somebody else has taken the id. */
  async prove(topic: string, partition: number): Promise<void> {
    await this.#addPartitions([{ topic, partition }]);
    await this.#end(false);
  }

  async #addPartitions(parts: ReadonlyArray<Pick<TransactionPart, 'topic' | 'partition'>>): Promise<void> {
    const { transactionalId, use } = this.#init;
    const topics = [...Map.groupBy(parts, ({ topic }) => topic)].map(([name, each]) => ({ name, partitions: each.map(({ partition }) => partition) }));
    const transaction = { transactionalId, producerId: this.#id, producerEpoch: this.#epoch, verifyOnly: false, topics };
    await this.#insist(() => this.#cluster.coordinator(transactionalId, use, (connection) => addPartitionsToTxnV3.api.async(connection, [transaction])));
  }

  async #end(isCommit: boolean): Promise<void> {
    const { transactionalId, use } = this.#init;
    await this.#insist(() =>
      this.#cluster.coordinator(transactionalId, use, (connection) => endTxnV3.api.async(connection, transactionalId, this.#id, this.#epoch, isCommit)),
    );
  }

  /** A coordinator that moves, or is busy with the end of the transaction before, is asked again. */
  #insist<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return this.#cluster.insist(stepBudgetMs, work);
  }

  async #produce(parts: readonly TransactionPart[]): Promise<readonly bigint[]> {
    const batches = parts.map((part) => this.#encode(part));
    const answers = new Map<string, bigint>();
    const missing = (): TransactionPart[] => parts.filter((part) => !answers.has(nameOf(part)));
    await this.#cluster.insist(
      stepBudgetMs,
      async () => {
        const leaders = await Promise.all(
          missing().map(async (part) => [(await this.#cluster.topic(part.topic)).leaders[part.partition] ?? -1, part] as const),
        );
        const groups = Map.groupBy(leaders, ([leader]) => leader);
        await Promise.all(
          [...groups].map(([leader, each]) =>
            this.#send(
              leader,
              each.map(([, part]) => part),
              (part) => batches[parts.indexOf(part)] as Buffer,
              answers,
            ),
          ),
        );
      },
      () => missing().forEach(({ topic }) => this.#cluster.forget(topic)),
    );
    for (const part of parts) this.#sequences.set(nameOf(part), this.#sequenceOf(part) + part.records.length);
    return parts.map((part) => answers.get(nameOf(part)) as bigint);
  }

  #encode(part: TransactionPart): Buffer {
    const producer = { id: this.#id, epoch: this.#epoch, sequence: this.#sequenceOf(part), isTransactional: true };
    return encodeBatch(encodeRecords(part.records, this.#init.compression), producer);
  }

  #sequenceOf(part: TransactionPart): number {
    return this.#sequences.get(nameOf(part)) ?? 0;
  }

  async #send(leader: number, parts: readonly TransactionPart[], batchOf: (part: TransactionPart) => Buffer, answers: Map<string, bigint>): Promise<void> {
    const topics: ProduceTopic[] = [...Map.groupBy(parts, ({ topic }) => topic)].map(([name, each]) => ({
      name,
      partitions: each.map((part) => ({ index: part.partition, batch: batchOf(part) })),
    }));
    const answer = await answerOf(() =>
      this.#cluster.broker(leader, this.#init.use, (connection) =>
        send(connection, produceApi, () => createProduceRequest(this.#init.transactionalId, brokerTimeoutMs, topics)),
      ),
    );
    let refused: BrokerRefusal | undefined;
    for (const { name, partitionResponses } of answer.responses) {
      for (const { index, errorCode, errorMessage, baseOffset } of partitionResponses) {
        if (errorCode === 0) answers.set(`${name}/${index}`, baseOffset);
        else refused = new BrokerRefusal(errorCode, errorMessage);
      }
    }
    if (refused !== undefined) throw refused;
  }
}

function nameOf({ topic, partition }: Pick<TransactionPart, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

/** A request names a partition once: of two parts for one, as two guards that lie together, brokers write but the last. */
function joined(given: readonly TransactionPart[]): {
  readonly parts: readonly TransactionPart[];
  /** Of each given part: in which it went, and behind how many records. */
  readonly places: ReadonlyArray<{ readonly part: number; readonly before: number }>;
} {
  const parts: TransactionPart[] = [];
  const places = given.map((one) => {
    const at = parts.findIndex((other) => nameOf(other) === nameOf(one));
    const there = parts[at];
    if (there === undefined) return { part: parts.push(one) - 1, before: 0 };
    parts[at] = { ...there, records: [...there.records, ...one.records] };
    return { part: at, before: there.records.length };
  });
  return { parts, places };
}
