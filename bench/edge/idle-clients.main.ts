/**
 * Opens connections over TLS and keeps them idle. A program for Bun, whose client costs a tenth of Node's per connection.
 * Arguments: port, count. Says how many are open, then waits to be ended.
 */
interface Runtime {
  connect(options: {
    hostname: string;
    port: number;
    tls: { rejectUnauthorized: false };
    socket: { handshake(): void; data(): void; close(): void; error(): void; connectError(): void };
  }): Promise<unknown>;
}

const bun = (globalThis as unknown as { Bun: Runtime }).Bun;
const [port, count] = process.argv.slice(2).map(Number) as [number, number];
/** An address of the server has so many ports of ours to be reached from, at least. */
const perAddress = 20_000;
const atOnce = 64;
let [open, failed, begun] = [0, 0, 0];

function next(): Promise<void> {
  const address = `127.0.0.${1 + Math.floor(begun++ / perAddress)}`;
  return new Promise((resolve) => {
    const done = (counter: 'open' | 'failed') => (): void => {
      if (counter === 'open') open++;
      else failed++;
      resolve();
    };
    const socket = { handshake: done('open'), data: () => undefined, close: () => undefined, error: () => undefined, connectError: done('failed') };
    bun.connect({ hostname: address, port, tls: { rejectUnauthorized: false }, socket }).catch(done('failed'));
  });
}

async function worker(): Promise<void> {
  while (begun < count) await next();
}

await Promise.all(Array.from({ length: atOnce }, worker));
process.stdout.write(`${JSON.stringify({ open, failed })}\n`);
setInterval(() => undefined, 1000);
