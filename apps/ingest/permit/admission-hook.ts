import { signatureHeaders } from '#adapters/webhook';
import { isStreamId } from '#domain/stream';
import type { Clock, IdSource } from '#ports';
import { metrics, type Logger, type Telemetry } from '#runtime';
import { z } from 'zod';
import type { Refusal } from './permit.types.ts';

export interface HookSettings {
  readonly url: string;
  /** Requests are signed with it as Standard Webhooks says; they go unsigned without one. */
  readonly secret: Uint8Array | undefined;
  /** What happens to publishers when no answer that can be read comes in time. */
  readonly onSilence: 'allow' | 'refuse';
}

/** What the operator's service hears. */
export interface HookQuestion {
  readonly streamId: string;
  readonly tenant: string;
  readonly endpoint: 'primary' | 'backup';
  readonly remoteAddress: string;
  readonly node: string;
  readonly sessionId: string;
}

export interface HookVerdict {
  /** The stream that it is to be instead; of the same tenant. */
  readonly streamId?: string;
  /** After so long the publisher is ended, ms. */
  readonly lifetimeMs?: number;
}

/** For the whole exchange, ms: an encoder waits for it. */
const deadlineMs = 3_000;
const answerBytesMax = 16_384;

const answerSchema = z.object({
  allowed: z.boolean(),
  newName: z.string().refine(isStreamId).nullish(),
  /** Seconds. */
  lifetime: z.number().positive().max(31_536_000).nullish(),
  reason: z.string().max(400).nullish(),
});

export interface HookDeps {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly telemetry?: Telemetry;
}

/** Asks a service of the operator's about each publisher that our own rules would let in. */
export class AdmissionHook {
  readonly #settings: HookSettings;
  readonly #deps: HookDeps;

  constructor(settings: HookSettings, deps: HookDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  async ask(question: HookQuestion, signal: AbortSignal): Promise<HookVerdict | Refusal> {
    try {
      const answer = answerSchema.parse(JSON.parse(await this.#post(JSON.stringify({ type: 'publish', ...question }), signal)));
      this.#count(answer.allowed ? 'allowed' : 'refused');
      if (!answer.allowed) return { reason: 'denied', detail: answer.reason || 'The publisher is not allowed here.' };
      return {
        ...(answer.newName ? { streamId: answer.newName } : {}),
        ...(answer.lifetime ? { lifetimeMs: Math.round(answer.lifetime * 1000) } : {}),
      };
    } catch (err) {
      return this.#silent(question, err);
    }
  }

  #silent({ streamId }: HookQuestion, err: unknown): HookVerdict | Refusal {
    const { onSilence } = this.#settings;
    this.#count('silent');
    this.#deps.logger.warn({ err, streamId, onSilence }, 'the admission service gives no answer that can be used');
    return onSilence === 'allow' ? {} : { reason: 'busy', detail: 'The service that admits publishers does not answer. Try again in a few seconds.' };
  }

  #count(outcome: string): void {
    this.#deps.telemetry?.meter.counter(metrics.admissionAnswers).add(1, { outcome });
  }

  async #post(body: string, signal: AbortSignal): Promise<string> {
    const { url, secret } = this.#settings;
    const { clock, ids } = this.#deps;
    const signed = secret === undefined ? {} : signatureHeaders({ id: ids.next(), timestamp: Math.floor(clock.now() / 1000), body }, [secret]);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    if (response.status !== 200) throw new Error(`${url} answers ${response.status}.`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.length > answerBytesMax) throw new Error('The answer is larger than any that makes sense.');
    }
    return text;
  }
}
