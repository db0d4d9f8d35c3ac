import { createServer, Socket, type SocketConstructorOpts } from 'node:net';
import { ServerSession, SlabPool } from '#core/rtmp';

/**
 * What reading alone costs on Node, as a process of its own: takes publishers in as the ingest does, and then only counts
 * their bytes, into one buffer for all and with rounds of reads as far apart. Prints its port.
 */
const buffer = new Uint8Array(64 * 1024);
const never = new Int32Array(new SharedArrayBuffer(4));
const restMs = Number(process.argv[2] ?? 0);
const pool = new SlabPool();
let resting = false;

function rest(): void {
  if (resting || restMs === 0) return;
  resting = true;
  const dueAt = performance.now() + restMs;
  setImmediate(() => {
    resting = false;
    Atomics.wait(never, 0, 0, Math.max(0, dueAt - performance.now()));
  });
}

let drained = 0;
const server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
  const session = new ServerSession({ app: 'live', pool, seed: 1 }, 0);
  const inner = accepted as unknown as { _handle: object | null };
  const handle = inner._handle;
  inner._handle = null;
  let publishing = false;
  const perform = (effects: ReturnType<ServerSession['step']>): void => {
    for (const effect of effects) {
      if (effect.kind === 'send') socket.write(effect.bytes);
      if (effect.kind !== 'publish') continue;
      publishing = true;
      perform(session.step({ kind: 'publish-accepted' }, 0));
    }
  };
  const callback = (length: number): boolean => {
    rest();
    drained += length;
    if (!publishing) perform(session.step({ kind: 'bytes', bytes: buffer.subarray(0, length) }, 0));
    return true;
  };
  const socket: Socket = new Socket({ handle, onread: { buffer, callback } } as SocketConstructorOpts);
  socket.on('error', () => undefined);
  socket.resume();
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ ready: true, port: (server.address() as { port: number }).port })}\n`));
process.once('SIGTERM', () => {
  process.stderr.write(`drained ${drained} bytes\n`);
  process.exit(0);
});
