import { EventLog } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { EventReview } from './event-review.ts';

/** The event browser; it reads the log as readers do, with what is personal opened for those who may see it. */
export function reviewProviders({ index }: GatewayEngines): Provider[] {
  const review = (log: EventLog, commands: CommandExecutor): EventReview => new EventReview({ index, log, commands });
  return [{ provide: EventReview, useFactory: review, inject: [EventLog, CommandExecutor] }];
}
