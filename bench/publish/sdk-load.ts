import { contentPublished } from '#events';
import { connect, type Transport } from '#sdk';
import { kafka, toKafkaMessage, type KafkaMessage, type PlatformaticProducer } from '#sdk/kafka';

const sample = contentPublished.samples[0] as { contentId: string; url: string; contentType: string };

function dataOf(at: number): typeof sample & { readonly title: string } {
  return { ...sample, contentId: `c-${at % 9973}`, title: `A title of some length, number ${at}` };
}

/** Events a second through a publisher of the SDK: composed, checked, sent, and each acknowledged. @throws Error at a refusal. */
export async function sdkRate(transport: Transport, count: number): Promise<number> {
  const publisher = connect({ transport, source: '/bench/sdk' }).publisher({ batchEventsMax: 1_000, lanes: 4, lingerMs: 2 });
  const started = performance.now();
  for (let at = 0; at < count; at++) await publisher.add(contentPublished.type, dataOf(at));
  const { accepted, refusals } = await publisher.close();
  const seconds = (performance.now() - started) / 1000;
  if (accepted !== count) throw new Error(`${count - accepted} events were not taken: ${refusals[0]?.code} ${refusals[0]?.message}`);
  return count / seconds;
}

/** Straight to Kafka by the SDK, on a producer of `@platformatic/kafka`. */
export function kafkaRate(producer: PlatformaticProducer, topicPrefix: string, count: number): Promise<number> {
  return sdkRate(kafka({ producer, topicPrefix }), count);
}

/** What the SDK is compared with: messages that lie there ready, handed to a producer in batches, four at a time. */
export async function bareRate(send: (messages: KafkaMessage[]) => Promise<unknown>, count: number): Promise<number> {
  const messages = Array.from({ length: count }, (_, at) => toKafkaMessage(contentPublished.type, dataOf(at)).message);
  const started = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next += 1_000;
      await send(messages.slice(from, from + 1_000));
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return count / ((performance.now() - started) / 1000);
}
