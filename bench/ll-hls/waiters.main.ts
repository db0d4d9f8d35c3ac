import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Told by the parent: what all ask for next. */
interface Ask {
  readonly path: string;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const [, , port = '0', count = '0'] = process.argv;

/** How long an answer of this round is, bytes: all get the same, and reading it a thousand times would be measured with it. */
let answerBytes = 0;

function lengthOf(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n');
  return head + 4 + Number(/content-length: (\d+)/i.exec(bytes.toString('latin1', 0, head))?.[1] ?? Number.NaN);
}

/** A player that waits: one connection that is kept open, and when the whole of its answer was there. */
class Waiter {
  readonly #socket: Socket;
  #got = 0;
  #first = 0;
  #answer: ((at: number) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('close', () => this.#answer?.(Number.NaN));
  }

  ask(path: string): Promise<number> {
    this.#got = 0;
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    });
  }

  #take(bytes: Buffer): void {
    if (this.#got === 0) {
      // "HTTP/1.1 2"
      this.#first = bytes[9] === 0x32 ? now() : Number.NaN;
      if (answerBytes === 0) answerBytes = lengthOf(bytes);
    }
    this.#got += bytes.length;
    if (this.#got >= answerBytes) this.#answer?.(this.#first);
  }
}

const waiters = await Promise.all(
  Array.from({ length: Number(count) }, async () => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    return new Waiter(socket);
  }),
);
process.on('message', (ask: Ask) => {
  answerBytes = 0;
  const answers = waiters.map((waiter) => waiter.ask(ask.path));
  const sentAt = now();
  void Promise.all(answers).then((at) => process.send?.({ path: ask.path, sentAt, at }));
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
