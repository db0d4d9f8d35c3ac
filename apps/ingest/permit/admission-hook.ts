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
const reasonLengthMax = 400;

const answerSchema = z.object({
  allowed: z.literal(true),
  newName: z.string().refine(isStreamId, 'Expected the id of a stream.').nullish(),
  /** Seconds. */
  lifetime: z.number().positive().max(31_536_000).nullish(),
});
const refusalSchema = z.object({ allowed: z.literal(false), reason: z.unknown().optional() });
const verdictSchema = z.object({ allowed: z.boolean() });

/** What goes wrong with a service, and what its publishers' encoders show; only of the first two it can be said that it may pass. */
const troubles = {
  silent: 'The service that admits publishers does not answer. Try again in a few seconds.',
  failing: 'The service that admits publishers fails. Try again in a few seconds.',
  unreadable: 'The service that admits publishers gives an answer that cannot be understood. Ask those who run this platform.',
} as const;

const logged = {
  silent: 'the admission service does not answer',
  failing: 'the admission service answers with an error',
  unreadable: 'the admission service answers what cannot be understood',
} as const;

/** An answer came, and is none. */
class AnswerError extends Error {
  readonly trouble: Exclude<keyof typeof troubles, 'silent'>;

  constructor(trouble: AnswerError['trouble'], message: string) {
    super(message);
    this.trouble = trouble;
  }
}

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
      return this.#judge(question, jsonOf(await this.#post(JSON.stringify({ type: 'publish', ...question }), signal)));
    } catch (err) {
      return this.#without(question, err);
    }
  }

  /** @throws AnswerError for an answer that says neither yes nor no */
  #judge({ streamId }: HookQuestion, answer: unknown): HookVerdict | Refusal {
    const refused = refusalSchema.safeParse(answer);
    if (refused.success) {
      this.#count('refused');
      const { reason } = refused.data;
      const detail = typeof reason === 'string' ? reason.slice(0, reasonLengthMax) : '';
      return { reason: 'denied', detail: detail || 'The publisher is not allowed here.' };
    }
    const allowed = answerSchema.safeParse(answer);
    if (allowed.success) {
      this.#count('allowed');
      const { newName, lifetime } = allowed.data;
      return { ...(newName ? { streamId: newName } : {}), ...(lifetime ? { lifetimeMs: Math.round(lifetime * 1000) } : {}) };
    }
    const why = z.prettifyError(allowed.error);
    if (!verdictSchema.safeParse(answer).success) throw new AnswerError('unreadable', why);
    // It is a yes with terms. Without them the publisher would go where, or for as long as, nobody allowed: that is no case for the policy.
    this.#count('unreadable');
    this.#deps.logger.error({ streamId, why }, 'the admission service lets a publisher in on terms that cannot be understood; the publisher is refused');
    return { reason: 'busy', detail: troubles.unreadable };
  }

  /** Its policy counts where the service has said neither yes nor no. */
  #without({ streamId }: HookQuestion, err: unknown): HookVerdict | Refusal {
    const { onSilence } = this.#settings;
    const trouble = err instanceof AnswerError ? err.trouble : 'silent';
    this.#count(trouble);
    this.#deps.logger.warn({ err, streamId, trouble, onSilence }, logged[trouble]);
    return onSilence === 'allow' ? {} : { reason: 'busy', detail: troubles[trouble] };
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
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    if (response.status >= 300 && response.status < 400)
      throw new AnswerError('unreadable', `${url} sends elsewhere (${response.status}), which is not followed.`);
    if (response.status !== 200) throw new AnswerError('failing', `${url} answers ${response.status}.`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.length > answerBytesMax) throw new AnswerError('unreadable', 'The answer is larger than any that makes sense.');
    }
    return text;
  }
}

/** @throws AnswerError */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AnswerError('unreadable', 'The answer is not JSON.');
  }
}
