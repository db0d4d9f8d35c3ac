import { encodeSetDataFrame } from '#core/rtmp';
import { tagType } from '#core/flv';
import { RtmpPublisher } from '../../test/interop/rtmp-publisher.ts';
import { readSample, type MediaSample } from './media-sample.ts';

/**
 * Load as a process of its own: `load.js FILE PORT NAME…` publishes the sample under each name in real time, each
 * publisher at its own phase, until it is told to end. Prints one line when all are publishing.
 */
async function publishOne(sample: MediaSample, port: number, name: string, offsetMs: number): Promise<void> {
  const publisher = await RtmpPublisher.publish({ host: '127.0.0.1', port, app: 'live', streamName: name });
  publisher.write(18, 0, encodeSetDataFrame('onMetaData', { width: 1280, height: 720, framerate: 30, encoder: 'load' }));
  for (const tag of sample.configs) if (tag.type !== tagType.script) publisher.sendTag(tag, 0);
  const startedAt = performance.now();
  let at = sample.frames.findIndex((tag) => tag.type === tagType.video && tag.body[0] === 0x17 && tag.timestampMs >= offsetMs);
  const firstMs = (sample.frames[at] as { timestampMs: number }).timestampMs;
  let loops = 0;
  const send = (): void => {
    const elapsed = performance.now() - startedAt;
    for (;;) {
      const tag = sample.frames[at];
      if (tag === undefined) throw new Error('the sample has no frames');
      const dueMs = tag.timestampMs + loops * sample.durationMs - firstMs;
      if (dueMs > elapsed) {
        setTimeout(send, dueMs - elapsed);
        return;
      }
      publisher.sendTag(tag, dueMs);
      at += 1;
      if (at === sample.frames.length) {
        at = 0;
        loops += 1;
      }
    }
  };
  publisher.socket.on('close', () => {
    process.stderr.write(`${name} was closed: ${publisher.statuses.join(', ')}\n`);
    process.exit(1);
  });
  send();
}

async function main(): Promise<void> {
  const [file = '', port = '', ...names] = process.argv.slice(2);
  const sample = await readSample(file);
  for (const [i, name] of names.entries()) {
    await publishOne(sample, Number(port), name, ((i * 7) % 4) * 2000);
    await new Promise((resolve) => setTimeout(resolve, 33));
  }
  process.stdout.write(`publishing ${names.length} at ${(sample.bitrate / 1e6).toFixed(2)} Mbit/s\n`);
}

await main();
