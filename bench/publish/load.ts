import { UuidV7IdSource } from '#adapters/system';
import { contentPublished } from '#events';
import { Pool } from 'undici';

export interface LoadInit {
  readonly url: string;
  readonly authorization: string;
  /** Events of one call. */
  readonly batch: number;
  readonly calls: number;
  readonly connections: number;
}

const ids = new UuidV7IdSource();
const sample = contentPublished.samples[0] as object;

/** Of about 500 bytes, as the SDK sends it. */
function eventOf(at: number): object {
  const data = { ...sample, contentId: `c-${at % 9973}`, title: `A title of some length, number ${at}` };
  return { specversion: '1.0', id: ids.next(), type: contentPublished.type, source: '/bench/cms', time: new Date().toISOString(), data };
}

function bodyOf(batch: number, call: number): string {
  return JSON.stringify(Array.from({ length: batch }, (_, at) => eventOf(call * batch + at)));
}

/** Publishes all calls over the connections, each waiting for its answers. @throws Error at the first refusal. */
export async function publishAll({ url, authorization, batch, calls, connections }: LoadInit): Promise<void> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const headers = { 'content-type': 'application/cloudevents-batch+json', authorization };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < calls) {
      const response = await pool.request({ path: pathname, method: 'POST', headers, body: bodyOf(batch, next++) });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${text.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  await pool.close();
}
