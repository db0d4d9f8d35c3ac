import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const programOf = (name: string): string => fileURLToPath(new URL(`../${name}.js`, import.meta.url));

/** The gateway as it is deployed, on the engines that the environment names, ready to serve. */
export class GatewayProcess {
  readonly url: string;
  readonly metricsUrl: string;
  /** Of an admin key. */
  readonly authorization: string;
  /** What it has logged so far. */
  readonly lines: readonly string[];
  readonly #stop: () => Promise<void>;

  private constructor(init: Pick<GatewayProcess, 'url' | 'metricsUrl' | 'authorization' | 'lines' | 'stop'>) {
    this.url = init.url;
    this.metricsUrl = init.metricsUrl;
    this.authorization = init.authorization;
    this.lines = init.lines;
    this.#stop = init.stop;
  }

  static async start(environment: Readonly<Record<string, string>>): Promise<GatewayProcess> {
    const ports = { GATEWAY_PORT: '0', GRPC_PORT: '0', METRICS_PORT: '0', STREAMS_HOST: '127.0.0.1' };
    const env = { ...process.env, ...ports, LOG_FORMAT: 'json', LOG_LEVEL: 'debug', STREAMS_SUPERVISED: '1', ...environment };
    const minted = await promisify(execFile)(process.execPath, ['--no-warnings', programOf('mint-key.main'), '--first-admin'], { env });
    const child = spawn(process.execPath, ['--no-warnings', programOf('main')], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const lines: string[] = [];
    const ready = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line);
        if (line.includes('"ready":true')) resolve(line);
      });
      void exited.then(() => reject(new Error(`The gateway ended before it was ready:\n${lines.slice(-5).join('\n')}`)));
    });
    const { url } = JSON.parse(ready) as { url: string };
    const metricsUrl = lines.map((line) => /metrics at (\S+)\/metrics/.exec(line)?.[1]).find((one) => one !== undefined) ?? '';
    const stop = async (): Promise<void> => {
      child.stdin.end();
      await exited;
    };
    return new GatewayProcess({ url, metricsUrl, authorization: `Bearer ${(JSON.parse(minted.stdout) as { key: string }).key}`, lines, stop });
  }

  /** Ends it as its supervisor would, and waits for it. */
  stop(): Promise<void> {
    return this.#stop();
  }
}
