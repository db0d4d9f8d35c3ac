import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

const attemptsMax = 20;
/** Below the range from which operating systems take ports for outgoing connections, so that a restart finds its port free. */
const firstPort = 20_000;
const ports = 10_000;

/** Listens for a moment: the only answer that counts. Resolves to the port, or undefined when it is taken. */
function probe(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}

/**
 * A free port on 127.0.0.1: the first of the wished ones, else one that is derived from `seed` and therefore likely the
 * same at every start, else any.
 */
export async function freePort(wishes: ReadonlyArray<number | undefined>, seed: string): Promise<number> {
  const home = createHash('sha256').update(seed).digest().readUInt32BE(0) % ports;
  const derived = Array.from({ length: attemptsMax }, (_, at) => firstPort + ((home + at) % ports));
  for (const wish of [...wishes, ...derived]) {
    const port = wish === undefined || wish === 0 ? undefined : await probe(wish);
    if (port !== undefined) return port;
  }
  return (await probe(0)) ?? 0;
}
