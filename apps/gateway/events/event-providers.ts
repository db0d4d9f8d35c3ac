import { EventLog } from '#ports';
import { Lifecycle } from '#runtime';
import type { Provider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Admissions } from '../access/admissions.ts';
import { Authenticator } from '../access/authenticator.ts';
import type { GatewayEngines } from '../gateway-engines.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { RowWatches } from '../watch/row-watches.ts';
import { EventSockets } from './event-sockets.ts';
import { ResumeTokens } from './resume-token.codec.ts';
import { Subscriptions, type SubscriptionsInit } from './subscriptions.ts';

/** Seals the resume tokens of all gateways. */
const tokenSecret = 'resume-tokens';

/** WebSockets need the HTTP server itself. */
const sockets: Provider = {
  provide: EventSockets,
  useFactory: (
    host: HttpAdapterHost,
    subscriptions: Subscriptions,
    watches: RowWatches,
    tokens: ResumeTokens,
    admissions: Admissions,
    authenticator: Authenticator,
    { stopping }: Lifecycle,
  ) => {
    const served = new EventSockets({ subscriptions, watches, tokens, admissions, authenticator, stopping });
    served.attach(host.httpAdapter.getInstance<FastifyInstance>().server);
    return served;
  },
  inject: [HttpAdapterHost, Subscriptions, RowWatches, ResumeTokens, Admissions, Authenticator, Lifecycle],
};

/** Whoever follows the log or live rows. */
export function eventProviders({ secrets, reads, personal, telemetry }: GatewayEngines, init: SubscriptionsInit): Provider[] {
  return [
    {
      provide: ResumeTokens,
      useFactory: async (log: EventLog) => new ResumeTokens(await secrets.secret(tokenSecret), await log.identity()),
      inject: [EventLog],
    },
    {
      provide: Subscriptions,
      useFactory: (log: EventLog, tokens: ResumeTokens) => {
        const subscriptions = new Subscriptions(log, tokens, init, telemetry);
        personal.keys.onErased(() => subscriptions.forget());
        return subscriptions;
      },
      inject: [EventLog, ResumeTokens],
    },
    {
      provide: RowWatches,
      useFactory: (shown: ShownRows, subscriptions: Subscriptions, tokens: ResumeTokens, { stopping }: Lifecycle) =>
        new RowWatches({ reads, shown: shown.masked, subscriptions, tokens, stopping }),
      inject: [ShownRows, Subscriptions, ResumeTokens, Lifecycle],
    },
    sockets,
  ];
}
