import { encodeSetDataFrame } from '#core/rtmp';
import { tagType, type FlvTag } from '#core/flv';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import { readSample, type MediaSample } from './media-sample.ts';

/**
 * Load as a process of its own: `load.js FILE PORT NAME…` publishes the sample under each name in real time, each
 * publisher at its own phase, until it is told to end. Prints one line when all are publishing. Asked by its parent it says
 * when each publisher's key frames were sent, and how late they were.
 */

/** One timer for all publishers: one for each frame would cost more than sending it. */
const tickMs = 3;

interface Sent {
  /** Key frames: when each was written to its socket, ms since the Unix epoch. */
  readonly sentMs: number[];
  /** How much later than it should have been, ms. */
  readonly lateMs: number[];
}

const sent: Record<string, Sent> = {};
const senders: Array<() => void> = [];

const isKeyFrame = ({ type, body }: FlvTag): boolean => type === tagType.video && body[0] === 0x17;

async function publishOne(sample: MediaSample, port: number, name: string, offsetMs: number): Promise<void> {
  const publisher = await RtmpPublisher.publish({ host: '127.0.0.1', port, app: 'live', streamName: name });
  publisher.write(18, 0, encodeSetDataFrame('onMetaData', { width: 1280, height: 720, framerate: 30, encoder: 'load' }));
  for (const tag of sample.configs) if (tag.type !== tagType.script) publisher.sendTag(tag, 0);
  const startedAt = performance.now();
  const own: Sent = { sentMs: [], lateMs: [] };
  sent[name] = own;
  let at = sample.frames.findIndex((tag) => isKeyFrame(tag) && tag.timestampMs >= offsetMs);
  const firstMs = (sample.frames[at] as { timestampMs: number }).timestampMs;
  let loops = 0;
  senders.push(() => {
    const elapsed = performance.now() - startedAt;
    for (;;) {
      const tag = sample.frames[at];
      if (tag === undefined) throw new Error('the sample has no frames');
      const dueMs = tag.timestampMs + loops * sample.durationMs - firstMs;
      if (dueMs > elapsed) return;
      publisher.sendTag(tag, dueMs);
      if (isKeyFrame(tag)) {
        own.sentMs.push(performance.timeOrigin + performance.now());
        own.lateMs.push(elapsed - dueMs);
      }
      at += 1;
      if (at === sample.frames.length) {
        at = 0;
        loops += 1;
      }
    }
  });
  publisher.socket.on('close', () => {
    process.stderr.write(`${name} was closed: ${publisher.statuses.join(', ')}\n`);
    process.exit(1);
  });
}

async function main(): Promise<void> {
  const [file = '', port = '', ...names] = process.argv.slice(2);
  const sample = await readSample(file);
  setInterval(() => {
    for (const send of senders) send();
  }, tickMs);
  process.on('message', () => process.send?.(sent));
  process.on('disconnect', () => process.exit());
  for (const [i, name] of names.entries()) {
    await publishOne(sample, Number(port), name, ((i * 7) % 4) * 2000);
    await new Promise((resolve) => setTimeout(resolve, 33));
  }
  process.stdout.write(`publishing ${names.length} at ${(sample.bitrate / 1e6).toFixed(2)} Mbit/s\n`);
}

await main();
