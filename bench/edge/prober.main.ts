import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * Asks for something small once a millisecond, whatever became of the last request, and measures what each answer took. So a
 * server that stands still for a moment is seen by all who ask in that moment, and not by one request that waits.
 */
const [, , port = '0', path = '/', connections = '128'] = process.argv;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const request = `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`;

const free: Socket[] = [];
const askedAt = new Map<Socket, number>();
let times: number[] = [];
/** How late this process itself was at most: a machine that stands still is no pause of the server. */
let ownLagMs = 0;
let failures = 0;

for (let at = 0; at < Number(connections); at++) {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.on('data', (bytes: Buffer) => {
    const from = askedAt.get(socket);
    // The rest of an answer that came in two pieces.
    if (from === undefined) return;
    if (bytes[9] !== 0x32) failures += 1;
    times.push(now() - from);
    askedAt.delete(socket);
    free.push(socket);
  });
  socket.on('close', () => (failures += 1));
  socket.on('error', () => undefined);
  free.push(socket);
}

let last = now();
setInterval(() => {
  const at = now();
  ownLagMs = Math.max(ownLagMs, at - last - 1);
  last = at;
  const socket = free.shift();
  if (socket === undefined) return;
  askedAt.set(socket, at);
  socket.write(request);
}, 1);

process.on('message', () => {
  // What is still waited for has taken so long at least.
  const waiting = [...askedAt.values()].map((from) => now() - from);
  process.send?.({ times: [...times, ...waiting.filter((ms) => ms > 5)], ownLagMs, failures });
  times = [];
  [ownLagMs, failures, last] = [0, 0, now()];
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
