import { randomFillSync } from 'node:crypto';
import type { Measured, Stores } from './blob/stores.ts';
import { openStores } from './blob/stores.ts';
import { countPerSecond, quantile, type Bench, type BenchContext } from './harness/index.ts';

/** A segment of two seconds at 2.5 Mbit/s, and the smallest thing that is stored: a playlist, an initialisation. */
const sizes = [
  { name: '640 KB', bytes: 640_000, count: 600 },
  { name: '1 KB', bytes: 1_000, count: 3_000 },
];
/** As many segments as a busy media process stores at the same time. */
const atOnce = 8;
/** Of the plain SDK: our checks, retries and checksums may cost this much. */
const peerShareMin = 0.8;
const rounds = 3;

interface Figures {
  readonly put: number;
  readonly get: number;
  readonly putP99Ms: number;
}

async function inParallel<T>(count: number, act: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let at = next++; at < count; at = next++) results[at] = await act(at);
    }),
  );
  return results;
}

async function measure(store: Measured, bytes: number, count: number): Promise<Figures> {
  const blobs = Array.from({ length: count }, () => randomFillSync(new Uint8Array(bytes)));
  const times: number[] = [];
  let names: string[] = [];
  const put = await countPerSecond(count, async () => {
    names = await inParallel(count, async (at) => {
      const begun = performance.now();
      const name = await store.put(blobs[at] as Uint8Array);
      times.push(performance.now() - begun);
      return name;
    });
  });
  let read = 0;
  const get = await countPerSecond(count, async () => {
    for (const length of await inParallel(count, (at) => store.get(names[at] as string))) read += length;
  });
  if (read !== bytes * count) throw new Error(`${read} bytes came back of ${bytes * count}`);
  return { put, get, putP99Ms: quantile(times, 0.99) };
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Rounds in turns, so that what else the machine does hits all of them; the middle one counts. */
async function compare(stores: Stores, bytes: number, count: number): Promise<Record<keyof Stores & string, Figures>> {
  const names = ['fs', 's3', 'plain'] as const;
  const taken: Record<(typeof names)[number], Figures[]> = { fs: [], s3: [], plain: [] };
  for (let round = 0; round < rounds; round++) for (const name of names) taken[name].push(await measure(stores[name], bytes, Math.ceil(count / rounds)));
  const middle = (all: readonly Figures[]): Figures => ({
    put: median(all.map((one) => one.put)),
    get: median(all.map((one) => one.get)),
    putP99Ms: median(all.map((one) => one.putP99Ms)),
  });
  return { fs: middle(taken.fs), s3: middle(taken.s3), plain: middle(taken.plain) };
}

function state(context: BenchContext, id: string, ours: number, peer: number): void {
  context.bar(`blob.s3.${id}`, ours, '1/s', `>= ${peerShareMin} x plain SDK`, ours >= peerShareMin * peer, peer);
}

export const bench: Bench = {
  name: 'blob',
  summary: 'blobs on a local disk and in S3 (versitygw on this machine), beside plain calls of the AWS SDK',
  async run(context) {
    await using stores = await openStores();
    context.row('per second', 'local disk', 'S3', 'plain SDK', 'S3 put p99 ms', 'plain p99 ms');
    for (const { name, bytes, count } of sizes) {
      const { fs, s3, plain } = await compare(stores, bytes, context.quick ? count / 4 : count);
      context.row(`put ${name}`, fs.put, s3.put, plain.put, s3.putP99Ms, plain.putP99Ms);
      context.row(`get ${name}`, fs.get, s3.get, plain.get, '', '');
      state(context, `put.${bytes}`, s3.put, plain.put);
      state(context, `get.${bytes}`, s3.get, plain.get);
    }
  },
};
