import { produceV9, Writer } from '@platformatic/kafka';

/** Batches of one topic for the broker that leads their partitions. */
export interface ProduceTopic {
  readonly name: string;
  readonly partitions: ReadonlyArray<{ readonly index: number; readonly batch: Buffer }>;
}

export interface PartitionAnswer {
  readonly errorCode: number;
  readonly baseOffset: bigint;
}

/** Produce, version 9 (acks=all), with batches that are encoded already. */
export function createProduceRequest(transactionalId: string | null, timeoutMs: number, topics: readonly ProduceTopic[]): Writer {
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(-1)
    .appendInt32(timeoutMs)
    .appendArray([...topics], (writer, topic) => {
      writer.appendString(topic.name).appendArray([...topic.partitions], (inner, { index, batch }) => {
        inner
          .appendInt32(index)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch);
      });
    })
    .appendTaggedFields();
}

export const produceApi = { key: 0, version: 9, parse: produceV9.parseResponse } as const;
