import { AggregateStore, Clock, ReadStore, type IdSource, type RateLimiter, type SecretStore } from '#ports';
import { appLogger, CommandExecutor, Lifecycle, type Logger } from '#runtime';
import type { Provider } from '@nestjs/common';
import { Admissions } from './admissions.ts';
import { Authenticator } from './authenticator.ts';
import type { JwtSettings } from './jwt.config.ts';
import { JwksCache } from '#runtime';
import { JwtVerifier } from './jwt-verifier.ts';
import { KeyAuthority } from './key-authority.ts';
import { KeyIssuer } from './key-issuer.ts';
import { RefusalRecorder } from './refusal-recorder.ts';
import { TenantStandings } from './tenant-standings.ts';
import { Tenants } from './tenants.ts';

export interface AccessEngines {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly limiter: RateLimiter;
  readonly secrets: SecretStore;
}

/** Makes what only a token's subject can know. */
const proofSecret = 'jwt-proofs';
/** Tokens that name unknown keys cause no more questions than this, ms apart. */
const jwksCooldownMs = 10_000;

async function verifierOf(settings: JwtSettings, { clock, secrets }: AccessEngines, logger: Logger): Promise<JwtVerifier> {
  const { issuer, audience, claims, jwksUrl, cacheMs } = settings;
  const secret = Buffer.from(await secrets.secret(proofSecret)).toString('hex');
  return new JwtVerifier({ issuer, audience, claims, secret }, new JwksCache({ url: jwksUrl, cacheMs, cooldownMs: jwksCooldownMs }, clock, logger), clock);
}

/** Who may come in, and with what. */
export function accessProviders(engines: AccessEngines, jwt: JwtSettings | undefined): Provider[] {
  const { clock, ids, limiter } = engines;
  return [
    { provide: TenantStandings, useFactory: (aggregates: AggregateStore) => new TenantStandings(aggregates, clock), inject: [AggregateStore] },
    { provide: KeyAuthority, useFactory: (aggregates: AggregateStore) => new KeyAuthority(aggregates, clock), inject: [AggregateStore] },
    {
      provide: Authenticator,
      useFactory: async (keys: KeyAuthority, tenants: TenantStandings, logger: Logger) =>
        new Authenticator(keys, tenants, jwt === undefined ? undefined : await verifierOf(jwt, engines, logger)),
      inject: [KeyAuthority, TenantStandings, appLogger],
    },
    {
      provide: RefusalRecorder,
      useFactory: (commands: CommandExecutor, lifecycle: Lifecycle, logger: Logger) => {
        const recorder = new RefusalRecorder({ commands, clock, ids, logger });
        lifecycle.onStop('work', 'refusals', () => recorder.stop());
        return recorder;
      },
      inject: [CommandExecutor, Lifecycle, appLogger],
    },
    {
      provide: Admissions,
      useFactory: (authenticator: Authenticator, refusals: RefusalRecorder, logger: Logger) =>
        new Admissions({ authenticator, limiter, refusals, clock, logger }),
      inject: [Authenticator, RefusalRecorder, appLogger],
    },
    { provide: KeyIssuer, useFactory: (commands: CommandExecutor) => new KeyIssuer(commands, clock), inject: [CommandExecutor] },
    {
      provide: Tenants,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, reads: ReadStore, standings: TenantStandings) =>
        new Tenants({ commands, aggregates, reads, standings }),
      inject: [CommandExecutor, AggregateStore, ReadStore, TenantStandings],
    },
  ];
}
