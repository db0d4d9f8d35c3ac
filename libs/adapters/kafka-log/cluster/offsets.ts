import { deleteRecordsV2, listOffsetsV7 } from '@platformatic/kafka';
import { answerOf, BrokerRefusal } from '../kafka-log.errors.ts';
import type { Cluster } from './cluster.ts';

/** Places that are asked for by a time that cannot be. */
export const earliest = -2n;
export const latest = -1n;

export interface OffsetsQuery {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** A time in ms, {@link earliest} or {@link latest}. */
  readonly time: bigint;
  /** Whether the end is that of committed records, or of all. */
  readonly isCommitted: boolean;
}

const answerWithinMs = 15_000;

/** Asks the leaders of some partitions, all at once, until they have answered; -1 where no record is that young. */
export async function listOffsets(cluster: Cluster, query: OffsetsQuery): Promise<ReadonlyMap<number, bigint>> {
  return cluster.insist(
    answerWithinMs,
    async () => {
      const { leaders, leaderEpochs } = await cluster.topic(query.topic);
      const groups = Map.groupBy(query.partitions, (partition) => leaders[partition] ?? -1);
      const answers = await Promise.all([...groups].map(([node, partitions]) => askLeader(cluster, node, { ...query, partitions }, leaderEpochs)));
      return new Map(answers.flat());
    },
    () => cluster.forget(query.topic),
  );
}

async function askLeader(
  cluster: Cluster,
  node: number,
  { topic, partitions, time, isCommitted }: OffsetsQuery,
  leaderEpochs: readonly number[],
): Promise<Array<readonly [number, bigint]>> {
  const asked = partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: leaderEpochs[partitionIndex] ?? -1, timestamp: time }));
  const answer = await cluster.broker(node, 'control', (connection) =>
    answerOf(() => listOffsetsV7.api.async(connection, -1, isCommitted ? 1 : 0, [{ name: topic, partitions: asked }])),
  );
  return answer.topics.flatMap((each) =>
    each.partitions.map(({ partitionIndex, errorCode, offset }) => {
      if (errorCode !== 0) throw new BrokerRefusal(errorCode);
      return [partitionIndex, offset] as const;
    }),
  );
}

/** Forgets records. @throws BrokerRefusal `OFFSET_OUT_OF_RANGE` */
export async function deleteRecords(cluster: Cluster, topic: string, partition: number, before: bigint): Promise<void> {
  await cluster.insist(
    answerWithinMs,
    async () => {
      const { leaders } = await cluster.topic(topic);
      const wanted = [{ name: topic, partitions: [{ partitionIndex: partition, offset: before }] }];
      const answer = await cluster.broker(leaders[partition] ?? -1, 'control', (connection) =>
        answerOf(() => deleteRecordsV2.api.async(connection, wanted, answerWithinMs)),
      );
      const errorCode = answer.topics[0]?.partitions[0]?.errorCode ?? 0;
      if (errorCode !== 0) throw new BrokerRefusal(errorCode);
    },
    () => cluster.forget(topic),
  );
}
