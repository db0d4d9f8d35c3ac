import { contentPublished } from '#events';
import { connect, type Transport } from '#sdk';
import { toKafkaMessage, type KafkaMessage } from '#sdk/kafka';

const sample = contentPublished.samples[0] as { contentId: string; url: string; contentType: string };

function dataOf(at: number): typeof sample & { readonly title: string } {
  return { ...sample, contentId: `c-${at % 9973}`, title: `A title of some length, number ${at}` };
}

export interface Rate {
  /** Events a second. */
  readonly rate: number;
  /** What the publishing process took, percent of a core. */
  readonly cpu: number;
}

async function timed(count: number, work: () => Promise<unknown>): Promise<Rate> {
  const [before, started] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - started;
  return { rate: (count / ms) * 1000, cpu: (user + system) / 10 / ms };
}

/** Through a publisher of the SDK: composed, checked, sent, and each acknowledged. @throws Error at a refusal. */
export async function sdkRate(transport: Transport, count: number): Promise<Rate> {
  const publisher = connect({ transport, source: '/bench/sdk' }).publisher({ batchEventsMax: 1_000, lanes: 4, lingerMs: 2 });
  return timed(count, async () => {
    for (let at = 0; at < count; at++) await publisher.add(contentPublished.type, dataOf(at));
    const { accepted, refusals } = await publisher.close();
    if (accepted !== count) throw new Error(`${count - accepted} events were not taken: ${refusals[0]?.code} ${refusals[0]?.message}`);
  });
}

/** What the SDK is compared with: messages that lie there ready, handed to a producer in batches, four at a time. */
export async function bareRate<Message>(messages: readonly Message[], send: (messages: Message[]) => Promise<unknown>): Promise<Rate> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < messages.length) {
      const from = next;
      next += 1_000;
      await send(messages.slice(from, from + 1_000));
    }
  };
  return timed(messages.length, () => Promise.all(Array.from({ length: 4 }, work)));
}

export function messagesOf(count: number): KafkaMessage[] {
  return Array.from({ length: count }, (_, at) => toKafkaMessage(contentPublished.type, dataOf(at)).message);
}
