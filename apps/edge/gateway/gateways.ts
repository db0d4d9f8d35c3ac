/** What is asked of a gateway: repeating it must change nothing. */
export interface GatewayAsk {
  readonly method?: 'GET' | 'POST' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** Of one gateway, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A gateway that is starting, ending, or without its engines. */
const awayStatuses = new Set([502, 503, 504]);

/** What the edge itself asks the gateways: the one that answered last, and where that does not answer the next. */
export class Gateways {
  readonly #urls: readonly string[];
  readonly #fetch: typeof fetch;
  #first = 0;

  constructor(urls: readonly string[], by: typeof fetch = fetch) {
    this.#urls = urls;
    this.#fetch = by;
  }

  /** @throws whatever `fetch` throws, when none answers */
  async ask(path: string, { body, headers = {}, method = 'GET', signal, timeoutMs }: GatewayAsk): Promise<Response> {
    const first = this.#first;
    // One alone is asked again all the same: a connection that was kept open may have been closed in this moment.
    const attempts = Math.max(2, this.#urls.length);
    for (let attempt = 0; ; attempt++) {
      const at = (first + attempt) % this.#urls.length;
      const isLast = attempt === attempts - 1;
      try {
        const response = await this.#fetch(`${this.#urls[at]}${path}`, {
          ...{ method, headers, redirect: 'error' },
          ...(body === undefined ? {} : { body }),
          signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
        });
        if (!isLast && this.#urls.length > 1 && awayStatuses.has(response.status)) {
          await response.body?.cancel();
          continue;
        }
        if (!awayStatuses.has(response.status)) this.#first = at;
        return response;
      } catch (error) {
        if (isLast || signal?.aborted === true) throw error;
      }
    }
  }
}
