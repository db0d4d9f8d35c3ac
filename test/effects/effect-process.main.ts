import { openEngines } from '#adapters/engines';
import { EventParking, LogEventIntake, noTelemetry, readSharedSettings } from '#runtime';
import { pino } from 'pino';
import { effectParts } from '../../apps/projector/effects/effect-parts.ts';
import { readEffectSettings } from '../../apps/projector/effects/effects.config.ts';

/** The reactors and the dispatcher of a projector alone, or its workers alone: such a process is up in a moment, so that it can be killed often. */
const [role = '', owner = ''] = process.argv.slice(2);
const logger = pino({ level: 'silent' });
const shared = readSharedSettings(process.env);
const engines = await openEngines(shared, 'log', 'database', 'jobs');
const { log, publications, leases, clock } = engines;
const parking = new EventParking({ intake: new LogEventIntake({ owner }, { log, publications, leases, clock, logger }), clock, logger, source: '/chaos' });
const init = { owner, source: '/chaos', settings: readEffectSettings(process.env), personal: shared, parking };
const { reactors, dispatcher, workers } = effectParts(init, engines, { logger, telemetry: noTelemetry() });
for (const part of role === 'reactor' ? [reactors, dispatcher] : [workers]) await part.start();
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
