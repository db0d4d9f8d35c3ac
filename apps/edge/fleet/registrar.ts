import type { EdgeCapabilities } from '#domain/edge';
import { backOffMs, pause, type Logger } from '#runtime';
import type { Gateways } from '../gateway/gateways.ts';
import type { Membership } from './membership.ts';

export interface RegistrarInit {
  readonly key: string;
}

export interface RegistrarDeps {
  readonly gateways: Gateways;
  readonly membership: Membership;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

/** How often the key is shown again: one that was revoked is known as none by then. */
const showEveryMs = 30_000;
const timeoutMs = 10_000;
const answerBytesMax = 16_384;

/** Shows the edge's key to the gateway, which admits it, and shows it again now and then. What clients ask for does not wait for that. */
export class Registrar {
  readonly #init: RegistrarInit;
  readonly #deps: RegistrarDeps;

  constructor(init: RegistrarInit, deps: RegistrarDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Until the edge stops. */
  async run(edge: EdgeCapabilities): Promise<void> {
    const { logger, membership, stopping } = this.#deps;
    let anew = true;
    for (let failures = 0; !stopping.aborted;) {
      const unreached = await this.#show(edge, anew);
      if (stopping.aborted) return;
      if (unreached === undefined) {
        if (membership.key.is === 'proved') anew = false;
        failures = 0;
      } else if (failures++ % 10 === 0) logger.warn(`the gateway does not say whether this edge may serve as one of ours: ${unreached}`);
      await pause(unreached === undefined ? showEveryMs : backOffMs(failures, 500, showEveryMs), stopping);
    }
  }

  /** @returns why nobody answered; undefined when somebody did */
  async #show({ edgeId, ...edge }: EdgeCapabilities, anew: boolean): Promise<string | undefined> {
    const { key } = this.#init;
    const { gateways, membership, stopping } = this.#deps;
    try {
      const answer = await gateways.ask('/api/v1/cdn/edge/register', {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id: edgeId, ...edge, anew }),
        signal: stopping,
        timeoutMs,
      });
      const text = (await answer.text()).slice(0, answerBytesMax);
      if (answer.ok) membership.key = { is: 'proved' };
      else if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return `it answers with ${answer.status}`;
      else membership.key = { is: 'refused', why: detailOf(text) ?? `the gateway answers with ${answer.status}` };
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/** RFC 9457 section 3.1.4. */
function detailOf(text: string): string | undefined {
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown };
    return typeof detail === 'string' ? detail : undefined;
  } catch {
    return undefined;
  }
}
