import { hasCode } from '#kernel';
import type { EventLog } from '../../event-log.port.ts';

/**
 * What a second process does, on whatever runtime it is started with: it waits for a record in every partition of
 * `questions`, answers each under its own producer, twice, ends after the record `stop`, and tells what it was refused.
 */
export async function runPeer(log: EventLog): Promise<void> {
  const answered = new AbortController();
  let sequence = 0n;

  async function follow(partition: number): Promise<void> {
    for (let from = 0n; ;) {
      // Once one has met the end, the others still answer what was asked before it.
      const isEnding = answered.signal.aborted;
      const limits = { recordsMax: 100, bytesMax: 1_000_000, waitMs: isEnding ? 0 : 30_000 };
      const batch = await log.read('questions', partition, from, limits, isEnding ? undefined : answered.signal);
      if (isEnding && batch.records.length === 0) return;
      for (const { key, headers, value, offset, recordedAt } of batch.records) {
        if (value === 'stop') answered.abort();
        const record = { key, headers: { ...headers, runtime: process.versions['bun'] === undefined ? 'node' : 'bun' }, value };
        const options = { producer: { id: 'peer', epoch: 3n, sequence }, expected: { subject: 'peer', version: sequence } };
        sequence += 1n;
        const [first] = await log.append('answers', [record], options);
        const [again] = await log.append('answers', [record], options);
        if (first?.offset !== again?.offset || typeof offset !== 'bigint' || !Number.isInteger(recordedAt)) throw new Error('the answer was written twice');
      }
      from = batch.next;
    }
  }

  process.stdout.write('ready\n');
  const partitions = (await log.heads('questions')).length;
  await Promise.all(Array.from({ length: partitions }, (_, partition) => follow(partition)));
  const refused = await Promise.allSettled([
    log.read('questions', 0, 999n, { recordsMax: 1, bytesMax: 1, waitMs: 0 }),
    log.append('answers', [], { producer: { id: 'peer', epoch: 2n, sequence: 0n } }),
    log.heads('nowhere'),
  ]);
  const codes = ['OFFSET_OUT_OF_RANGE', 'PRODUCER_FENCED', 'TOPIC_UNKNOWN', 'LOG_UNAVAILABLE'];
  const codeOf = (one: PromiseSettledResult<unknown>): string =>
    one.status === 'rejected' ? (codes.find((code) => hasCode(one.reason, code)) ?? String(one.reason)) : 'none';
  process.stdout.write(`${JSON.stringify(refused.map(codeOf))}\n`);
  await log.close();
}
