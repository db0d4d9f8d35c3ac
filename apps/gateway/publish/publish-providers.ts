import { appLogger, EventIntake, Lifecycle, LogEventIntake, observeIntake, type Logger } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';

/** The door for events; what it has taken in when the process ends is written first. */
function intakeOn(
  { log, publications, leases, clock, ids, personal, telemetry }: GatewayEngines,
  node: string,
  lifecycle: Lifecycle,
  logger: Logger,
): EventIntake {
  const intake = new LogEventIntake({ owner: `${node}/gateway/${ids.next()}` }, { log, publications, leases, clock, logger, personal });
  intake.start();
  lifecycle.onStop('work', 'intake', () => intake.stop());
  return telemetry === undefined ? intake : observeIntake(intake, telemetry);
}

/** What takes events in. */
export function publishProviders(engines: GatewayEngines, node: string): Provider[] {
  return [
    {
      provide: EventIntake,
      useFactory: (lifecycle: Lifecycle, logger: Logger) => intakeOn(engines, node, lifecycle, logger),
      inject: [Lifecycle, appLogger],
    },
  ];
}
