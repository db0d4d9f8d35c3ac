import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { segmentEvents } from './events.ts';

const { path, topic } = workerData as { readonly path: string; readonly topic: string };
const log = new SqliteEventLog({ path }, { clock: new SystemClock() });
const took: number[] = [];
let isDone = false;
parentPort?.once('message', () => (isDone = true));
await log.append(topic, segmentEvents(9_999_999, 1));
parentPort?.postMessage('appending', []);
for (let n = 0; !isDone; n++) {
  const begun = performance.now();
  await log.append(topic, segmentEvents(10_000_000 + n, 1));
  took.push(performance.now() - begun);
  await sleep(3);
}
await log.close();
took.sort((a, b) => a - b);
parentPort?.postMessage(took[Math.floor(took.length * 0.99)] ?? 0, []);
