import { CommandExecutor } from '#runtime';
import { EffectStore } from '#ports';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { WebhookDesk } from './webhook-desk.ts';

export function webhookProviders({ aggregates, effects, secrets, clock }: GatewayEngines, privateAddresses: boolean): Provider[] {
  return [
    { provide: EffectStore, useValue: effects },
    {
      provide: WebhookDesk,
      useFactory: (commands: CommandExecutor) => new WebhookDesk({ aggregates, effects, secrets, commands, clock, privateAddresses }),
      inject: [CommandExecutor],
    },
  ];
}
