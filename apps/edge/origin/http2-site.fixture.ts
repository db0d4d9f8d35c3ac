import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { send, temporaryFolder, until, type Answer, type Ask, type EdgeRuntime } from '../edge.fixture.ts';
import { writeCertificate } from '../server/certificates.fixture.ts';

const bin = join(import.meta.dirname, '../../../../node_modules/.bin');
const alone = join(import.meta.dirname, '../alone/alone.main.js');

export interface OriginCertificate {
  readonly key: string;
  readonly cert: string;
  remove(): Promise<void>;
}

/** Of localhost. */
export async function originCertificate(): Promise<OriginCertificate> {
  const { path, remove } = await temporaryFolder();
  const file = writeCertificate(path, 'origin', ['localhost']);
  return { key: readFileSync(file.replace(/crt$/, 'key'), 'utf8'), cert: readFileSync(file, 'utf8'), remove };
}

/** An edge alone, of a site whose origin speaks HTTP/2. */
export class Http2Site {
  readonly edge: ChildProcess;
  readonly #port: number;
  readonly #remove: () => Promise<void>;

  private constructor(edge: ChildProcess, port: number, remove: () => Promise<void>) {
    this.edge = edge;
    this.#port = port;
    this.#remove = remove;
  }

  static async start(runtime: EdgeRuntime, url: string, ca: string): Promise<Http2Site> {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'site.json');
    writeFileSync(file, JSON.stringify({ listen: '127.0.0.1:0', zone: { hosts: ['a.test'], origins: [{ url, http2: true, tls: { ca } }] } }));
    const edge = spawn(join(bin, runtime), [alone, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    edge.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await until(() => said.includes('Ctrl-C'));
    return new Http2Site(edge, Number(/at http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]), folder.remove);
  }

  get port(): number {
    return this.#port;
  }

  get(path: string, more: Partial<Ask> = {}): Promise<Answer> {
    return send(this.#port, { path, ...more, headers: { host: 'a.test', ...more.headers } });
  }

  async close(): Promise<void> {
    if (this.edge.exitCode === null) {
      this.edge.kill('SIGTERM');
      await once(this.edge, 'exit');
    }
    await this.#remove();
  }
}
