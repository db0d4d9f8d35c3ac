import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A Kafka as the starter of tests gives it, as far as it matters here. */
export interface StartedKafka {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * One broker for all test files of a run that need no more than topics of their own, started when the first of them asks. It belongs
 * to the process that runs the tests, not to one of Jest's: it ends with the run, however that ends.
 */
export class SharedKafka {
  readonly #server: Server;
  readonly #start: () => Promise<StartedKafka>;
  #started: Promise<StartedKafka> | undefined;

  private constructor(start: () => Promise<StartedKafka>) {
    this.#start = start;
    this.#server = createServer((_, response) => {
      this.#started ??= this.#start();
      this.#started.then(
        ({ address }) => response.end(address),
        (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
      );
    });
  }

  static async listen(start: () => Promise<StartedKafka>): Promise<SharedKafka> {
    const shared = new SharedKafka(start);
    shared.#server.listen(0, '127.0.0.1');
    await once(shared.#server, 'listening');
    return shared;
  }

  /** What processes of the run are told: whoever asks there gets `KAFKA_BROKERS`. */
  get env(): Readonly<Record<string, string>> {
    return { STREAMS_TEST_KAFKA: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` };
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    const started = await this.#started?.catch(() => undefined);
    await started?.stop();
  }
}

/** A broker that a program of its own keeps, and stops when this process has ended. It says where in its first line. */
export async function startBroker(program: string): Promise<StartedKafka> {
  const child = spawn(process.execPath, ['--no-warnings', program], { stdio: ['pipe', 'pipe', 'pipe'] });
  const gone = once(child, 'close');
  let [said, failed] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()));
  for await (const chunk of child.stdout) if ((said += String(chunk)).includes('\n')) break;
  if (!said.includes('\n')) throw new Error(`No broker for the tests: ${failed.slice(-2000)}`);
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await gone;
  };
  return { address: said.trim(), stop };
}
