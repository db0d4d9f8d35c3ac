import { tagType, type FlvTag } from '#core/flv';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import { IngestNode } from './testing/ingest-harness.ts';
import { Reader, relayUrl } from './testing/relay-client.ts';

let node: IngestNode;
beforeEach(async () => (node = await IngestNode.start()));
afterEach(() => node.stop());

const avcConfig = Buffer.from('17000000000142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8', 'hex');
const aacConfig = Buffer.from('af001210', 'hex');
const picture = Uint8Array.of(0x17, 1, 0, 0, 0, 1, 2, 3);
const sound = Uint8Array.of(0xaf, 1, 1, 2, 3);
/** A second sound: audio, one track, its FourCC, its number. */
const further = (packet: number, ...payload: readonly number[]): Uint8Array => Uint8Array.of(0x95, packet, ...Buffer.from('mp4a'), 1, ...payload);

type Sent = readonly [kind: keyof typeof bodies, timestampMs: number];
const bodies = { picture, sound, second: further(1, 1, 2, 3) };

/** All of it, at once: what a reader gets after the configurations, by its kind and time. */
async function relayed(sent: readonly Sent[]): Promise<Sent[]> {
  const key = await node.createStream('st-aaaaaaaa');
  const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: node.ports.rtmpPort, app: 'live', streamName: key, capabilities: {} });
  try {
    const reader = await Reader.open(await relayUrl(node.engines));
    const configs = [avcConfig, aacConfig, further(0, 0x12, 0x10)];
    configs.forEach((body, n) => one.sendTag({ type: n === 0 ? tagType.video : tagType.audio, timestampMs: 0, body }));
    for (const [kind, timestampMs] of sent) one.sendTag({ type: kind === 'picture' ? tagType.video : tagType.audio, timestampMs, body: bodies[kind] });
    await reader.until(configs.length + sent.length);
    return reader.tags.slice(configs.length).map((tag) => [kindOf(tag), tag.timestampMs]);
  } finally {
    one.socket.destroy();
  }
}

function kindOf({ type, body }: FlvTag): Sent[0] {
  if (type === tagType.video) return 'picture';
  return body[0] === sound[0] ? 'sound' : 'second';
}

const every500 = (fromMs: number, toMs: number, ...kinds: ReadonlyArray<Sent[0]>): Sent[] =>
  Array.from({ length: (toMs - fromMs) / 500 }, (_, n) => kinds.map((kind): Sent => [kind, fromMs + n * 500])).flat();

test.each<[string, ReadonlyArray<Sent[0]>]>([
  ['picture', ['sound', 'second']],
  ['sound', ['picture', 'second']],
  ['second sound', ['picture', 'sound']],
])('a publisher whose %s pauses for 14 s is relayed with its own times, and comes back beside the others', async (_what, goesOn) => {
  const sent = [
    ...every500(0, 4000, 'picture', 'sound', 'second'),
    ...every500(4000, 18_000, ...goesOn),
    ...every500(18_000, 20_000, 'picture', 'sound', 'second'),
  ];
  expect(await relayed(sent)).toEqual(sent);
});

test('a publisher of sound alone is relayed from its first moment on to a reader that was there', async () => {
  const key = await node.createStream('st-aaaaaaaa');
  const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: node.ports.rtmpPort, app: 'live', streamName: key });
  try {
    const reader = await Reader.open(await relayUrl(node.engines));
    one.sendTag({ type: tagType.audio, timestampMs: 0, body: aacConfig });
    const sent = Array.from({ length: 26 }, (_, n) => n * 100);
    for (const timestampMs of sent) one.sendTag({ type: tagType.audio, timestampMs, body: sound });
    one.flush();
    const tags = await reader.until(1 + sent.length);
    expect(tags.map(({ timestampMs, body }) => [timestampMs, body[1]])).toEqual([[0, 0], ...sent.map((ms) => [ms, 1])]);
  } finally {
    one.socket.destroy();
  }
});
