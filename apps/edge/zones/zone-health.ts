import type { ZoneConfiguration } from '#events';
import type { OriginPool } from '../origin/origin-pool.ts';
import type { OriginSource } from '../origin/guarded-origin.ts';

export interface HealthCheckDeps {
  readonly pool: OriginPool;
  readonly source: OriginSource;
  readonly url: string;
  /** What the origin gets as Host, where that is not its own name. */
  readonly host: string | undefined;
}

/** Asks one origin again and again how it is, until it is stopped. */
export class HealthCheck {
  readonly #deps: HealthCheckDeps;
  readonly #init: {
    readonly path: string;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly unhealthyAfter: number;
    readonly healthyAfter: number;
  };
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** In a row; positive for successes. */
  #row = 0;

  constructor(init: NonNullable<ZoneConfiguration['healthCheck']>, deps: HealthCheckDeps) {
    const { healthyAfter = 2, intervalSeconds = 5, path, timeoutSeconds = 2, unhealthyAfter = 3 } = init;
    this.#init = { path, intervalMs: intervalSeconds * 1000, timeoutMs: timeoutSeconds * 1000, unhealthyAfter, healthyAfter };
    this.#deps = deps;
    void this.#round();
  }

  static begin(init: NonNullable<ZoneConfiguration['healthCheck']>, deps: HealthCheckDeps): HealthCheck {
    return new HealthCheck(init, deps);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const well = await this.#ask();
    if (this.#stopped) return;
    this.#row = well ? Math.max(this.#row, 0) + 1 : Math.min(this.#row, 0) - 1;
    if (this.#row === this.#init.healthyAfter || -this.#row === this.#init.unhealthyAfter) this.#deps.pool.judge(this.#deps.url, well);
    // Edges that started together do not ask together.
    const spread = 0.9 + Math.random() * 0.2;
    this.#timer = setTimeout(() => void this.#round(), this.#init.intervalMs * spread);
    this.#timer.unref();
  }

  async #ask(): Promise<boolean> {
    const { host, source } = this.#deps;
    const fields = [['user-agent', 'Streams health check'], ...(host === undefined ? [] : [['host', host] as const])] as const;
    try {
      const signal = AbortSignal.timeout(this.#init.timeoutMs);
      const response = await source.request({ method: 'GET', target: this.#init.path, fields, signal });
      response.body?.cancel();
      return response.status >= 200 && response.status < 400;
    } catch {
      return false;
    }
  }
}
