import { openEngines } from '#adapters/engines';
import { observeEngines, runApp, settingsOrEnd } from '#runtime';
import { readSteeringSettings } from './steering.config.ts';
import { openSteering } from './steering.ts';

const settings = await settingsOrEnd('steering', readSteeringSettings);

class SteeringRoot {}

await runApp({
  name: 'steering',
  settings,
  module: () => ({ module: SteeringRoot }),
  serve: async (_app, context) => {
    const engines = observeEngines(await openEngines(settings, 'database'), context.telemetry);
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    return openSteering(engines, context);
  },
});
