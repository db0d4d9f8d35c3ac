import { openEngines, type Engines } from '#adapters/engines';
import { EventParking, LogEventIntake, noTelemetry, readSharedSettings } from '#runtime';
import { pino } from 'pino';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask } from '../../apps/gateway/testing/http-client.ts';
import { effectParts } from '../../apps/projector/effects/effect-parts.ts';
import type { WebhookSendSettings } from '../../apps/projector/effects/effects.config.ts';

const logger = pino({ level: 'silent' });
const owner = 'test/effects';

export interface EffectWorldInit {
  /** Where jobs wait; in the database by default. */
  readonly redisUrl?: string;
  readonly lostAfterMs?: number;
  /** What the gateway serves as the console; a page that stands for it by default. */
  readonly consolePath?: string;
}

export const quickWebhooks: WebhookSendSettings = {
  ...{ concurrency: 16, perWebhook: 4, timeoutMs: 1500, triesMax: 3, firstRetryMs: 20, privateAddresses: true },
};

export type Fields = Readonly<Record<string, unknown>>;

/** A webhook, a delivery, an effect, a reactor or an event, as far as tests ask. */
export interface EffectItem extends Fields {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly resets: number;
  readonly tries: readonly Fields[];
}

/** What the API answers about effects, as far as tests ask. */
export interface EffectBody extends Fields {
  readonly id: string;
  readonly secret: string;
  readonly key: string;
  readonly eventId: string;
  readonly contexts: readonly string[];
  readonly errors?: ReadonlyArray<{ readonly field: string }>;
  readonly items: readonly EffectItem[];
  readonly recording: Fields | null;
}

export interface EffectAnswer {
  readonly status: number;
  readonly text: string;
  readonly json: EffectBody;
}

/** A gateway, read models and effects on real engines, in one process. */
export class EffectWorld {
  readonly world: World;
  readonly gateway: RunningGateway;
  readonly engines: Engines<'log' | 'database' | 'jobs'>;
  /** What a process needs that works on the same engines. */
  readonly shared: { readonly folder: string; readonly databaseUrl: string };
  readonly #headers: Readonly<Record<string, string>>;
  readonly #stop: () => Promise<void>;

  private constructor(parts: Pick<EffectWorld, 'world' | 'gateway' | 'engines' | 'shared'>, key: string, stop: () => Promise<void>) {
    this.world = parts.world;
    this.gateway = parts.gateway;
    this.engines = parts.engines;
    this.shared = parts.shared;
    this.#headers = { authorization: key };
    this.#stop = stop;
  }

  static async open(webhooks: Partial<WebhookSendSettings> = {}, { redisUrl, lostAfterMs, consolePath }: EffectWorldInit = {}): Promise<EffectWorld> {
    const real = await realEngines();
    const world = await World.open(real);
    const gateway = await startGateway(world.engines, consolePath ?? world.consolePath, {}, 0, { webhookPrivateAddresses: true });
    const { databaseUrl, folder } = real;
    const { jobs, close } = await openEngines({ logPath: '', blobPath: '', databaseUrl, redisUrl }, 'jobs');
    const engines = { ...real, jobs } as unknown as Engines<'log' | 'database' | 'jobs'>;
    const { log, publications, leases, clock } = real;
    const intake = new LogEventIntake({ owner }, { log, publications, leases, clock, logger });
    const parking = new EventParking({ intake, clock, logger, source: '/test' });
    const settings = { keepMs: 1e9, webhooks: { ...quickWebhooks, ...webhooks } };
    const personal = readSharedSettings({ STREAMS_DATA_DIR: folder });
    const context = { logger, telemetry: noTelemetry() };
    const { reactors, dispatcher, workers, sender } = effectParts({ owner, source: '/test', settings, personal, parking, lostAfterMs }, engines, context);
    for (const part of [reactors, dispatcher, workers]) await part.start();
    const stop = async (): Promise<void> => {
      await gateway.stop();
      for (const part of [reactors, dispatcher, workers]) await part.stop();
      sender.close();
      await intake.stop();
      await close();
      await world.close();
    };
    return new EffectWorld({ world, gateway, engines, shared: { folder, databaseUrl } }, (await world.key(['admin'])).authorization, stop);
  }

  async ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = this.#headers): Promise<EffectAnswer> {
    const { status, text, json } = await ask(this.gateway.url, path, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status, text, json: json as unknown as EffectBody };
  }

  async stop(): Promise<void> {
    await this.#stop();
  }
}
