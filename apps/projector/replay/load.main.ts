import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { openEngines } from '#adapters/engines';
import type { PoisonedPlace } from '#ports';
import { BulkLoad, createLogger, ReplayProgress, waitingLog, withoutEffects } from '#runtime';
import { projections } from '#read-models';
import { readProjectorSettings } from '../projector.config.ts';
import { niceness } from './niceness.constants.ts';
import type { LoadOrder, LoadWord } from './load-threads.ts';

const { id, projection: name, epoch, positions, ends, partitionsMax, eventsPerSecondMax, onPoison, leftOut } = workerData as LoadOrder;

/** Tells how far it is whenever a wave is written. */
class ToldProgress extends ReplayProgress {
  override add(records: number, skipped: number, poisoned: readonly PoisonedPlace[] = []): void {
    super.add(records, skipped, poisoned);
    say({ records, skipped, poisoned });
  }
}

function say(word: LoadWord): void {
  parentPort?.postMessage(word, []);
}

const settings = readProjectorSettings();
const logger = await createLogger({ ...settings, name: 'replay-load' });
if (process.platform === 'linux') setPriority(0, niceness);
const engines = withoutEffects(await openEngines({ ...settings, onWaiting: waitingLog(logger) }, 'log', 'database'));
const stop = new AbortController();
parentPort?.once('message', () => stop.abort());
try {
  const projection = projections.find((one) => one.name === name);
  if (projection === undefined) throw new Error(`This release has no projection ${name}.`);
  const init = { claim: { id, projection, epoch }, positions, partitionsMax, eventsPerSecondMax, onPoison, leftOut, ...(ends === undefined ? {} : { ends }) };
  await new BulkLoad(init, { log: engines.log, builds: engines.builds, progress: new ToldProgress([]) }).run(stop.signal);
  say({ over: true });
} catch (error) {
  const { message, code, retryable } = error as { message?: string; code?: string; retryable?: boolean };
  say({ failed: { message: message ?? String(error), code: code ?? 'REPLAY_FAILED', retryable: retryable === true } });
} finally {
  await engines.close();
  parentPort?.close();
}
