import { request, type ClientRequest } from 'node:http';
import { once } from 'node:events';
import { FlvReader, tagType, timeZeroOf, type FlvTag } from '#core/flv';
import { encodeSetDataFrame } from '#core/rtmp';
import { pause } from '#runtime';
import { afterEach, expect, test } from '@jest/globals';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import type { IngestSettings } from './ingest.config.ts';
import { IngestNode } from './testing/ingest-harness.ts';
import { Reader, relayUrl } from './testing/relay-client.ts';

const avcConfig = Buffer.from('17000000000142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8', 'hex');
const otherConfig = Uint8Array.of(...avcConfig.subarray(0, -1), 0xc9);
const aacConfig = Buffer.from('af001210', 'hex');

let node: IngestNode;
const keepers: Keeper[] = [];
const publishers: RtmpPublisher[] = [];
afterEach(async () => {
  for (const one of keepers.splice(0)) one.die();
  for (const one of publishers.splice(0)) one.socket.destroy();
  await node.stop();
});

/** A packager as the relay sees it: it goes on from some place, and says how far its segments reach. */
class Keeper {
  readonly tags: FlvTag[] = [];
  readonly #request: ClientRequest;
  ended: 'end' | 'broken' | undefined;

  private constructor(url: string) {
    this.#request = request(url, { agent: false, headers: { 'transfer-encoding': 'chunked' } });
    this.#request.on('error', () => (this.ended ??= 'broken'));
    this.#request.flushHeaders();
    keepers.push(this);
  }

  static async open(url: string, fromMs: number): Promise<Keeper> {
    const keeper = new Keeper(`${url}&from=${fromMs}`);
    const [response] = await once(keeper.#request, 'response');
    const flv = new FlvReader();
    response.on('data', (chunk: Buffer) => keeper.tags.push(...flv.push(Buffer.from(chunk))));
    response.once('end', () => (keeper.ended ??= 'end'));
    response.once('close', () => (keeper.ended ??= 'broken'));
    return keeper;
  }

  stored(text: string): void {
    this.#request.write(text);
  }

  die(): void {
    this.#request.destroy();
  }

  /** Kind and time of the media that came, once that is so many tags. */
  async media(count: number): Promise<string[]> {
    const media = (): string[] => this.tags.flatMap(({ type, timestampMs, body }) => (isConfig(type, body) ? [] : [`${letters[type]}${timestampMs}`]));
    for (let i = 0; i < 400 && media().length < count; i++) await pause(5);
    return media();
  }
}

const letters: Record<number, string> = { [tagType.video]: 'v', [tagType.audio]: 'a', [tagType.script]: 's' };
const isConfig = (type: number, body: Uint8Array): boolean => (type === tagType.script ? !Buffer.from(body).includes('onCuePoint') : body[1] === 0);

async function publish(overrides: Partial<IngestSettings> = {}): Promise<{ url: string; one: RtmpPublisher; key: string }> {
  node = await IngestNode.start(undefined, overrides);
  const key = await node.createStream('st-aaaaaaaa');
  const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: node.ports.rtmpPort, app: 'live', streamName: key });
  publishers.push(one);
  one.sendTag({ type: tagType.video, timestampMs: 0, body: avcConfig });
  one.sendTag({ type: tagType.audio, timestampMs: 0, body: aacConfig });
  return { url: await relayUrl(node.engines), one, key };
}

/** A second of media: a key frame, a frame and two sounds, the first of which is sent before its picture: but for the session's first. */
function second(one: RtmpPublisher, s: number, bytes = 100): void {
  const body = (first: number): Uint8Array => Uint8Array.of(first, 1, 0, 0, 0, ...new Uint8Array(bytes));
  for (const name of ofSecond(s)) {
    const timestampMs = Number(name.slice(1));
    if (name.startsWith('a')) one.sendTag({ type: tagType.audio, timestampMs, body: Uint8Array.of(0xaf, 1, 1, 2, 3) });
    else one.sendTag({ type: tagType.video, timestampMs, body: body(timestampMs % 1000 === 0 ? 0x17 : 0x27) });
  }
  one.flush();
}

const ofSecond = (s: number): string[] => {
  const [early, ...rest] = [`a${s * 1000 + 10}`, `v${s * 1000}`, `v${s * 1000 + 500}`, `a${s * 1000 + 510}`] as [string, string, string, string];
  return s === 0 ? [rest[0], early, rest[1], rest[2]] : [early, ...rest];
};
const ofSeconds = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => ofSecond(from + n)).flat();

test('a packager that dies loses nothing: the next one goes on from where its segments end', async () => {
  const { url, one, key } = await publish();
  const first = await Keeper.open(url, 0);
  for (const s of [0, 1, 2, 3]) second(one, s);
  expect(await first.media(16)).toEqual(ofSeconds(0, 4));
  first.stored('10');
  first.stored('00\nrubbish\n2000\n');
  await pause(50);
  first.die();
  for (const s of [4, 5]) second(one, s);
  one.write(18, 5600, encodeSetDataFrame('onCuePoint', { name: 'goal' }));
  one.sendTag({ type: tagType.video, timestampMs: 5700, body: otherConfig });
  second(one, 6);
  await pause(100);
  const next = await Keeper.open(url, 2000);
  second(one, 7);
  expect(await next.media(25)).toEqual([...ofSeconds(2, 6), 's5600', ...ofSeconds(6, 8)]);
  // Configured as it was then, and as it changed.
  const configs = next.tags.filter(({ type, body }) => type === tagType.video && body[1] === 0);
  expect(configs.map(({ body }) => body.at(-1))).toEqual([avcConfig.at(-1), 0xc9]);
  // Who does not go on from somewhere begins as ever.
  const plain = await Reader.open(url);
  expect((await plain.until(5)).slice(2).map(({ timestampMs }) => timestampMs)).toEqual([7000, 7500, 7510]);
  one.unpublish(key);
  await plain.ended;
  for (let i = 0; i < 200 && next.ended === undefined; i++) await pause(5);
  expect(next.ended).toBe('end');
});

test('packagers hear when the first frame came, however long the publisher waited for it, and whenever they come themselves', async () => {
  const { url, one } = await publish();
  const first = await Keeper.open(url, 0);
  await pause(300);
  const beforeMs = Date.now();
  for (const s of [0, 1]) second(one, s);
  await first.media(8);
  const afterMs = Date.now();
  const late = await Keeper.open(url, 1000);
  await late.media(3);
  const zeros = [first, late].map(({ tags }) => tags.flatMap(({ body }) => timeZeroOf(body) ?? []));
  const [zeroMs = 0] = zeros[0] ?? [];
  expect(zeros).toEqual([[zeroMs], [zeroMs]]);
  expect([zeroMs >= beforeMs, zeroMs <= afterMs]).toEqual([true, true]);
  // Before everything else, and nothing for who wants plain FLV.
  expect(timeZeroOf(late.tags[0]?.body ?? new Uint8Array())).toBe(zeroMs);
  const plain = await Reader.open(url);
  expect((await plain.until(3)).flatMap(({ body }) => timeZeroOf(body) ?? [])).toEqual([]);
});

test('where packagers are known, a publisher that comes while none is there is kept from its beginning', async () => {
  const { url, one } = await publish();
  second(one, 0);
  second(one, 1);
  await pause(50);
  // Nobody ever said that it goes on from somewhere.
  const early = await Keeper.open(url, 0);
  expect(await early.media(3)).toEqual(ofSecond(1).slice(1));
  early.die();
  const other = await RtmpPublisher.publish({
    ...{ host: '127.0.0.1', port: node.ports.rtmpPort, app: 'live' },
    streamName: await node.createStream('st-bbbbbbbb'),
  });
  publishers.push(other);
  other.sendTag({ type: tagType.video, timestampMs: 0, body: avcConfig });
  other.sendTag({ type: tagType.audio, timestampMs: 0, body: aacConfig });
  for (const s of [0, 1, 2]) second(other, s);
  await pause(100);
  const late = await Keeper.open(await relayUrl(node.engines, 2), 0);
  expect(await late.media(12)).toEqual(ofSeconds(0, 3));
});

test('what is kept is bounded in time, and in bytes over all sessions: the oldest goes first', async () => {
  const { url, one } = await publish({ keepMsMax: 5000, keepBytesTotal: 200_000 });
  // Sees what has come by now.
  const plain = await Reader.open(url);
  (await Keeper.open(url, 0)).die();
  for (let s = 0; s < 10; s++) second(one, s);
  await plain.until(2 + 4 * 10);
  const late = await Keeper.open(url, 0);
  expect((await late.media(24)).at(1)).toBe('v3000');
  late.die();
  for (let s = 10; s < 15; s++) second(one, s, 30_000);
  await plain.until(2 + 4 * 15);
  // Of seconds of 60 KB four fit into the 256 KiB that are left to each session.
  expect((await (await Keeper.open(url, 4000)).media(16)).slice(1, 2)).toEqual(['v11000']);
});

test('more than a reader may lag is kept, and given to it at once', async () => {
  const { url, one } = await publish({ readerBytesMax: 256 * 1024 });
  (await Keeper.open(url, 0)).die();
  for (let s = 0; s < 20; s++) second(one, s, 60_000);
  await pause(200);
  const late = await Keeper.open(url, 0);
  expect(await late.media(80)).toEqual(ofSeconds(0, 20));
  second(one, 20);
  expect((await late.media(84)).slice(80)).toEqual(ofSecond(20));
});
