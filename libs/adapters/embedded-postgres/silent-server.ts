import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** SSLRequest (PostgreSQL manual, "Message Formats"): its length and its code. A server answers with one byte, whoever asks. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const askedMax = 5;

/** True when a server says anything within `withinMs`. A frozen one takes connections, for that the kernel does, and is mute. */
function answers(port: number, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const done = (answered: boolean): void => {
      resolve(answered);
      socket.destroy();
    };
    socket.setTimeout(withinMs, () => done(false));
    socket.on('error', () => done(false));
    socket.on('close', () => done(false));
    socket.on('connect', () => socket.write(sslRequest));
    socket.on('data', () => done(true));
  });
}

/** Resolves when the server on a port has not answered for about `silentMs`, asked five times in a row; never, once `signal` is aborted. */
export async function untilSilent(port: number, silentMs: number, signal: AbortSignal): Promise<void> {
  const turnMs = silentMs / askedMax;
  for (let unanswered = 0; !signal.aborted;) {
    if (await answers(port, turnMs)) {
      unanswered = 0;
      await sleep(turnMs, undefined, { signal, ref: false }).catch(() => undefined);
    } else if (++unanswered >= askedMax && !signal.aborted) return;
  }
  await new Promise(() => undefined);
}
