import type { Logger } from '#runtime';
import { z } from 'zod';
import type { Gateways } from '../gateway/gateways.ts';

export interface RegistryPeersInit {
  readonly edgeId: string;
  readonly region: string;
  readonly key: string;
}

export interface RegistryPeersDeps {
  readonly gateways: Gateways;
  readonly logger: Pick<Logger, 'warn'>;
  readonly stopping: AbortSignal;
}

const timeoutMs = 3000;
const answerBytesMax = 65_536;
/** So many are asked at most: the nearest are first. */
const peersMax = 8;

const answerSchema = z.object({ items: z.array(z.object({ id: z.string(), url: z.url() })) });

/** The other edges, as the gateway knows them: who is up, the own region first. While it does not answer, those that it told last. */
export class RegistryPeers {
  readonly #init: RegistryPeersInit;
  readonly #deps: RegistryPeersDeps;
  #known: readonly string[] = [];

  constructor(init: RegistryPeersInit, deps: RegistryPeersDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  async urls(): Promise<readonly string[]> {
    const { edgeId, key, region } = this.#init;
    const { gateways, logger, stopping } = this.#deps;
    try {
      const answer = await gateways.ask(`/api/v1/cdn/edge/peers?${new URLSearchParams({ id: edgeId, region })}`, {
        headers: { authorization: `Bearer ${key}` },
        signal: stopping,
        timeoutMs,
      });
      if (answer.status !== 200) throw new Error(`the gateway answers with ${answer.status}`);
      const { items } = answerSchema.parse(JSON.parse((await answer.text()).slice(0, answerBytesMax)));
      this.#known = items.slice(0, peersMax).map(({ url }) => url.replace(/\/$/, ''));
    } catch (err) {
      if (!stopping.aborted) logger.warn({ err, known: this.#known.length }, 'the gateway does not say which other edges there are');
    }
    return this.#known;
  }
}
