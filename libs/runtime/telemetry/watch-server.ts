import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hasCode } from '#kernel';
import type { Logger } from '../logging.ts';
import type { Health, HealthReport } from './health.ts';
import type { Meter } from './metrics/meter.ts';
import type { MetricsSettings } from './telemetry.config.ts';

export interface WatchServerDeps {
  readonly app: string;
  readonly node: string;
  readonly meter: Meter;
  readonly health: Health;
  readonly logger: Logger;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** `/healthz` and `/readyz` as every port of ours answers them. */
export function healthAnswer(report: HealthReport, whose: { readonly app: string; readonly node: string }): Answer {
  return {
    status: report.ok ? 200 : 503,
    type: 'application/json',
    body: `${JSON.stringify({ status: report.ok ? 'ok' : 'failing', ...whose, problems: report.problems, remarks: report.remarks })}\n`,
  };
}

/** Serves those who watch: `/metrics`, `/healthz`, `/readyz`. Answers nothing that only a caller with a key may know. */
export class WatchServer {
  readonly #deps: WatchServerDeps;
  readonly #server: Server;

  constructor(deps: WatchServerDeps) {
    this.#deps = deps;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 30_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = 64;
  }

  /** Listens; on a port of the system's choice when the one asked for is taken, for being watched must not keep anybody from work. */
  async listen({ host, port }: MetricsSettings): Promise<string> {
    try {
      await this.#open(host, port);
    } catch (err) {
      if (!hasCode(err, 'EADDRINUSE')) throw err;
      await this.#open(host, 0);
      this.#deps.logger.warn({ asked: port, port: this.#port }, `the metrics port ${port} is taken: metrics are at port ${this.#port}`);
    }
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #open(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#answerTo(request).catch((err: unknown) => {
      this.#deps.logger.warn({ err }, 'a question of the watchers failed');
      return text(500, 'failed');
    });
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #answerTo(request: IncomingMessage): Promise<Answer> {
    const { meter, health, app, node } = this.#deps;
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD');
    switch ((request.url ?? '').split('?')[0]) {
      case '/metrics':
        return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await meter.exposition() };
      case '/healthz':
        return healthAnswer(health.moving(), { app, node });
      case '/readyz':
        return healthAnswer(await health.ready(), { app, node });
      default:
        return text(404, 'there are /metrics, /healthz and /readyz');
    }
  }
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}
