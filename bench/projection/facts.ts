import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../../test/replay/world.ts';
import { segments } from './events.ts';
import { pace, Visibility } from './visibility.ts';

export const factsPerSecond = 1000;
export const warmUpMs = 2000;
const streams = 100;

/** Until everything is seen; a lost event would make this wait for ever, so it gives up loudly. */
export async function settle(visibility: Visibility): Promise<void> {
  for (let waited = 0; visibility.unseen > 0; waited += 10) {
    if (waited > 10_000) throw new Error(`${visibility.unseen} events never became visible.`);
    await sleep(10);
  }
}

/** Facts, one append each, over a hundred streams and so over all partitions. Media sequences go on from `base`: a second round needs a greater one. */
export async function facts(world: World, ms: number, base = 0): Promise<readonly number[]> {
  const visibility = new Visibility(world.databaseUrl, { text: 'SELECT stream_id, last_media_sequence FROM read.stream' });
  await visibility.start();
  let first = base;
  const send = (n: number): void => {
    const streamId = `st-${n % streams}`;
    const mediaSequence = first + Math.floor(n / streams);
    const [record] = segments(streamId, mediaSequence);
    visibility.sent(streamId, mediaSequence);
    void world.log.append('stream', record === undefined ? [] : [record]);
  };
  await pace(factsPerSecond, warmUpMs, send);
  await settle(visibility);
  first = base + 1_000_000;
  visibility.samples.length = 0;
  await pace(factsPerSecond, ms, send);
  await settle(visibility);
  await visibility.stop();
  return visibility.samples;
}
