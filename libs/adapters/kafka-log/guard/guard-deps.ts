import type { CompressionAlgorithmValue } from '@platformatic/kafka';
import { murmur2 } from '#kernel';
import type { Cluster } from '../cluster/cluster.ts';
import { latest, listOffsets } from '../cluster/offsets.ts';
import { pauseMs } from '../cluster/pause.ts';
import { isProducerLost, mayPass, portError } from '../kafka-log.errors.ts';
import type { Fetcher } from '../read/fetcher.ts';
import type { GuardTopic } from './guard-topic.ts';
import { TransactionalProducer } from './transactional-producer.ts';

/** What guarded appends work with. */
export interface GuardDeps {
  readonly cluster: Cluster;
  readonly fetcher: Fetcher;
  readonly states: GuardTopic;
  readonly compression: CompressionAlgorithmValue;
  readonly appendTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  /** In front of transactional ids, as in front of topics. */
  readonly prefix: string;
}

const transactionConnections = 4;
const visibleWithinMs = 3000;

/** The transactional producer of a guard; its id is the guard's name, so that taking it shuts out whoever held it. */
export function producerOf(guard: string, deps: GuardDeps): TransactionalProducer {
  const use = `transaction-${(murmur2(new TextEncoder().encode(guard)) >>> 0) % transactionConnections}`;
  return new TransactionalProducer(
    { transactionalId: `${deps.prefix}${guard}`, timeoutMs: deps.transactionTimeoutMs, compression: deps.compression, use },
    deps.cluster,
  );
}

/** Tries an append until it is decided. @throws OperatingError */
export async function decide<Answer>(deps: GuardDeps, topic: string, attempt: () => Promise<Answer>, onFailure: () => void): Promise<Answer> {
  const end = performance.now() + deps.appendTimeoutMs;
  for (let failures = 0; ; failures++) {
    deps.cluster.checkOpen();
    try {
      return await attempt();
    } catch (error) {
      onFailure();
      const waitMs = Math.min(500, 5 * 2 ** Math.min(failures, 10));
      if (!(mayPass(error) || isProducerLost(error)) || performance.now() + waitMs > end) throw portError(error, topic);
      // Two who take a guard from each other in turn must not do so in step.
      await pauseMs(waitMs * (0.5 + Math.random()), deps.cluster.stopping);
    }
  }
}

/**
 * Waits until readers see what was committed: the end of a transaction reaches the partitions a moment after it is
 * decided. Someone else's open transaction may hold it up for longer; then readers see it later, and in order.
 */
export async function visible(cluster: Cluster, topic: string, ends: ReadonlyMap<number, bigint>): Promise<void> {
  const until = performance.now() + visibleWithinMs;
  let waiting = [...ends.keys()];
  for (let waitMs = 1; waiting.length > 0 && performance.now() < until; waitMs = Math.min(20, waitMs * 2)) {
    const seen = await listOffsets(cluster, { topic, partitions: waiting, time: latest, isCommitted: true });
    waiting = waiting.filter((partition) => (seen.get(partition) ?? 0n) < (ends.get(partition) as bigint));
    if (waiting.length > 0) await pauseMs(waitMs, cluster.stopping);
  }
}
