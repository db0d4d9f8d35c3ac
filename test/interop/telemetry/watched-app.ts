import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** An app as its own process, with a port for watchers. */
export class WatchedApp {
  readonly name: string;
  readonly lines: Array<Record<string, unknown>> = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    const runtime = name === 'edge' ? `${root}node_modules/.bin/bun` : process.execPath;
    const args = [...(name === 'edge' ? [] : ['--no-warnings']), `${root}dist/apps/${name}/main.js`];
    const own = { METRICS_PORT: '0', STREAMS_SUPERVISED: '1', STREAMS_HOST: '127.0.0.1', LOG_LEVEL: 'debug' };
    this.#child = spawn(runtime, args, { env: { PATH: process.env['PATH'], ...own, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = once(this.#child, 'exit');
  }

  /** Resolves when it serves. @throws with its last lines when it ends instead. */
  static async start(name: string, env: Readonly<Record<string, string>>): Promise<WatchedApp> {
    const app = new WatchedApp(name, env);
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: app.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const entry = JSON.parse(line) as Record<string, unknown>;
        app.lines.push(entry);
        if (entry['ready'] === true) resolve();
      });
      void app.#exited.then(() => reject(new Error(`${name} ended before it was ready: ${JSON.stringify(app.lines.slice(-3))}`)));
    });
    return app;
  }

  /** What its line of readiness says. */
  get ready(): Readonly<Record<string, unknown>> {
    return this.lines.find((line) => line['ready'] === true) ?? {};
  }

  /** Where watchers find it; the app says so at level debug. */
  get watchUrl(): string {
    return String(this.lines.find((line) => String(line['msg']).startsWith('metrics at'))?.['url']);
  }

  async ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(this.watchUrl + path, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
  }
}
