import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { segmentEvents } from './events.ts';

/** Appends one event every few ms, and tells how long each took. */
const { path, topic, from } = workerData as { readonly path: string; readonly topic: string; readonly from: number };
const log = new SqliteEventLog({ path }, { clock: new SystemClock() });
const took: number[] = [];
let isDone = false;
parentPort?.once('message', () => (isDone = true));
await log.append(topic, segmentEvents(from, 1));
parentPort?.postMessage('appending', []);
for (let n = from + 1; !isDone; n++) {
  const begun = performance.now();
  await log.append(topic, segmentEvents(n, 1));
  took.push(performance.now() - begun);
  await sleep(3);
}
await log.close();
parentPort?.postMessage(took, []);
