import { purgeAggregate, purgeRequest, type PurgeIntent } from '#domain/cache';
import { base32Of } from '#domain/stream';
import type { Effect } from '#ports';
import type { CommandExecutor, EffectResult, EffectWorker } from '#runtime';
import { createHash } from 'node:crypto';

/** Asks for purges that the platform's own events call for: each once, however often it is performed, for its id is the effect's. */
export class PurgeWorker implements EffectWorker {
  readonly kind = purgeRequest;
  readonly concurrency = 4;
  readonly triesMax = 1000;
  readonly #commands: CommandExecutor;

  constructor(commands: CommandExecutor) {
    this.#commands = commands;
  }

  backOffMs(tries: number): number {
    return Math.min(60_000, 100 * 2 ** Math.min(tries, 12));
  }

  async perform({ key, payload, correlationId, eventId, tenant, traceparent }: Effect): Promise<EffectResult> {
    const { selectors, soft, reason } = payload as unknown as PurgeIntent;
    const purgeId = `pg-${base32Of(createHash('sha256').update(key).digest().subarray(0, 10))}`;
    const meta = { actor: 'system:projector', correlationId, causationId: eventId, tenant, traceparent };
    const result = await this.#commands.execute(purgeAggregate, purgeId, { type: 'RequestPurge', purgeId, urls: [], selectors, soft, reason }, meta);
    return result.refused ? { outcome: 'failed', message: result.message } : { outcome: 'succeeded' };
  }
}
