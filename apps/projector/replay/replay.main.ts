import { setPriority } from 'node:os';
import { parentPort, threadId } from 'node:worker_threads';
import { dropSandboxBlobs, openEngines } from '#adapters/engines';
import { SystemClock } from '#adapters/system';
import { contexts } from '#events';
import { CommandExecutor, createLogger, EventIndexKeeper, PastKeeper, RightOfWay, waitingLog, withoutEffects, WorkBoard } from '#runtime';
import { projections } from '#read-models';
import { readProjectorSettings } from '../projector.config.ts';
import { DiscardReader } from '../parked/discarded.ts';
import { loadInThread } from './load-threads.ts';
import { SandboxHost } from '../sandbox/sandbox-host.ts';
import { niceness, tellEveryMs } from './niceness.constants.ts';
import { retentionWarning } from '../retention/retention-warning.ts';
import { RetentionKeeper } from '../retention/retention-keeper.ts';
import { ReplayHost } from './replay-host.ts';
import { takenBy } from './taken-by.ts';

const settings = readProjectorSettings();
const logger = await createLogger({ ...settings, name: 'replay' });
if (process.platform === 'linux' && threadId > 0) setPriority(0, niceness);
// Told from the beginning: a thread that waits for its engines lives.
const board = new WorkBoard(new SystemClock());
const telling = setInterval(() => parentPort?.postMessage(board.states(), []), tellEveryMs);
const engines = withoutEffects(await openEngines({ ...settings, onWaiting: waitingLog(logger) }, 'log', 'database'));
const { aggregates, clock, ids } = engines;
const commands = new CommandExecutor({ aggregates, clock, ids, source: `/projector/${settings.node}` });
const owner = `${settings.node}/${settings.projectorId}`;
// Who ordered a replay or a sandbox waits for it; for what this thread keeps up with, nobody does.
const rightOfWay = new RightOfWay();
const host = new ReplayHost({ owner, ...settings.replay }, { ...engines, projections, commands, logger, board, rightOfWay, loadInThread });
host.start();
const dropBlobs = (sandboxId: string): Promise<void> => dropSandboxBlobs(settings, sandboxId);
const { partitionsMax } = settings.replay;
const sandboxes = new SandboxHost({ owner, partitionsMax }, { ...engines, projections, commands, logger, board, rightOfWay, dropBlobs });
sandboxes.start();
const discards = new DiscardReader(aggregates);
const keeper = new PastKeeper(
  { owner, projections },
  { ...engines, logger, rightOfWay, leftOut: (projection) => discards.leftOut(projection), taken: (projection) => takenBy(engines.projections, projection) },
);
keeper.start();
// Sealing can wait, as replays can: nothing live waits for this thread.
const retention = new RetentionKeeper(
  { owner, topics: contexts, settings: settings.retention, source: `/projector/${settings.node}` },
  { ...engines, log: engines.sealedLog, store: engines.projections, projections, commands, logger, board, pastKeeper: keeper },
);
const warning = retentionWarning(settings);
if (warning !== undefined) logger.warn(warning);
retention.start();
// What may wait as well: nobody's rows depend on the index, and making it anew is as much work as a replay.
const indexKeeper = new EventIndexKeeper({ owner, topics: contexts, keepMs: settings.eventIndexKeepMs }, { ...engines, logger, board, rightOfWay });
indexKeeper.start();
parentPort?.once('message', () => {
  void Promise.all([indexKeeper.stop(), host.stop(), sandboxes.stop(), keeper.stop(), retention.stop()])
    .then(() => engines.close())
    .then(() => clearInterval(telling))
    .then(() => parentPort?.close());
});
