import { EventLog } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { EventReview } from './event-review.ts';
import { ShownRows } from './shown-rows.ts';

/** The event browser, which reads the log as readers do, with what is personal opened for those who may see it; and rows under the same rules. */
export function reviewProviders({ index, personal, secrets }: GatewayEngines): Provider[] {
  const review = (log: EventLog, commands: CommandExecutor): EventReview => new EventReview({ index, log, commands });
  return [
    { provide: EventReview, useFactory: review, inject: [EventLog, CommandExecutor] },
    { provide: ShownRows, useFactory: (commands: CommandExecutor) => new ShownRows({ personal, secrets, commands }), inject: [CommandExecutor] },
  ];
}
