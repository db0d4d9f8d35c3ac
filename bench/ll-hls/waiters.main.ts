import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Told by the parent: what all ask for next. */
interface Ask {
  readonly path: string;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const [, , port = '0', count = '0'] = process.argv;
/** Rests of answers come within so long; nobody parses them, for that would be measured, too, ms. */
const restMs = 60;

/** One for all: Node's own way allocates 64 KB for each answer, and what that takes would be measured, too. */
const buffer = new Uint8Array(64 * 1024);

let sockets: readonly Socket[] = [];
/** When each was answered; 0 for those who wait, NaN for those who got no playlist. */
let at = new Float64Array(0);
let waiting = 0;
let sentAt = 0;
let path = '';

function answered(index: number, ms: number): void {
  if (at[index] !== 0) return;
  at[index] = ms;
  waiting -= 1;
  if (waiting === 0) setTimeout(() => process.send?.({ path, sentAt, at: [...at] }), restMs);
}

function ask(what: Ask): void {
  ({ path } = what);
  at = new Float64Array(sockets.length);
  waiting = sockets.length;
  for (const socket of sockets) socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  sentAt = now();
}

sockets = await Promise.all(
  Array.from({ length: Number(count) }, async (_, index) => {
    const callback = (_length: number, bytes: Uint8Array): boolean => {
      // "HTTP/1.1 2"
      answered(index, bytes[9] === 0x32 ? now() : Number.NaN);
      return true;
    };
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    await once(socket, 'connect');
    socket.on('close', () => answered(index, Number.NaN));
    return socket;
  }),
);
process.on('message', ask);
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
