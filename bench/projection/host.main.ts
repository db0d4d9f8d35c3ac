import { openEngines } from '#adapters/engines';
import { projections } from '#read-models';
import { ConsumerHost, createLogger, nothingLeftOut, poisonLimits, readSharedSettings } from '#runtime';
import { caughtUp } from '../../test/replay/world.ts';

/**
 * One projection as the projector runs it, parking included, from where its checkpoints stand to the end of the log.
 * Usage: host.main PROJECTION, with the settings of the engines in the environment; says how long it took, ms.
 */
const projection = projections.find(({ name }) => name === process.argv[2]);
if (projection === undefined) throw new RangeError(`There is no projection ${process.argv[2]}.`);
const settings = readSharedSettings();
const engines = await openEngines(settings, 'log', 'database');
const { log, leases, projections: store, parked, clock } = engines;
const logger = await createLogger({ ...settings, name: 'host', logLevel: 'warn' });
const host = new ConsumerHost(
  { projections: [projection], owner: 'host' },
  { log, leases, store, logger, poison: { parked, clock, limits: poisonLimits, leftOut: () => Promise.resolve(nothingLeftOut) } },
);
const started = performance.now();
await host.start();
await caughtUp({ log, store }, [projection]);
const tookMs = performance.now() - started;
await host.stop();
await engines.close();
process.stdout.write(`${JSON.stringify({ tookMs })}\n`);
