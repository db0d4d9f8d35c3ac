import { connect, constants, type ClientHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { edgeLimits } from '../edge.constants.ts';
import type { Cancelling } from './cancelling.ts';
import { failure } from './http1-request.codec.ts';
import type { WireTarget, WireTls } from './http1-wire.ts';
import { secureSocketTo } from './node-wire.adapter.ts';
import { ToldSocket } from './told-socket.ts';

/** TLS did not agree on HTTP/2: nothing was asked yet. */
export class Http2Unsupported extends Error {
  override readonly name = 'Http2Unsupported';
  readonly code = 'HTTP2_UNSUPPORTED';
}

export function isWithoutHttp2(error: unknown): boolean {
  return error instanceof Http2Unsupported;
}

export type Http2Target = WireTarget & { readonly tls: WireTls };

export interface Http2Wire {
  readonly session: ClientHttp2Session;
  /** At once, whatever is under way. */
  terminate(): void;
}

/**
 * Resolves when the other side has proved what it must, and has said how much it takes; else rejects with an Error whose `code` says
 * why. What is not open yet when nobody wants it any more is ended.
 */
export type OpenHttp2 = (target: Http2Target, opening: Cancelling) => Promise<Http2Wire>;

/** What a session may hold, MB: streams that nobody reads are counted. */
const sessionMemoryMb = 64;
/** Of a head; its bytes are bounded as well. */
const fieldsMax = 1024;

/** An error that nobody hears ends the process. */
const unheard = (): void => undefined;

const isNode = process.versions['bun'] === undefined;
/** Whether the runtime ends streams whose frames do not follow each other as they should. */
export const checksFrames = isNode;

/** Node tells of each. */
let isCalmed = isNode;

/**
 * Bun makes a stream of any that the origin begins, pushed or not, and tells nobody of it; with its session it ends with an error.
 * No other way leads to it than what all of them have in common.
 * @param session that is not connected yet
 */
function calmStreams(session: ClientHttp2Session): void {
  if (isCalmed) return;
  isCalmed = true;
  // Ended before it could go out.
  const stream: Duplex = session.request({ ':path': '/' }).on('error', unheard);
  const all = Object.getPrototypeOf(stream) as Duplex;
  const destroy = all._destroy;
  all._destroy = function (this: Duplex, error, done): void {
    if (this.listenerCount('error') === 0) this.on('error', unheard);
    destroy.call(this, error, done);
  };
  stream.destroy();
}

/** Whatever becomes of a session while, and after, those who listen to it do. */
function calm(session: ClientHttp2Session): void {
  session.on('error', unheard);
  session.on('stream', (stream) => stream.on('error', unheard).close(constants.NGHTTP2_CANCEL));
  calmStreams(session);
}

/** By node:http2, which Bun has as well. */
export const openHttp2: OpenHttp2 = (target, opening) => {
  const { promise, reject, resolve } = Promise.withResolvers<Http2Wire>();
  const socket = secureSocketTo(target, ['h2', 'http/1.1']);
  opening.tell(() => socket.destroy());
  const closed = (): void => reject(failure('ECONNRESET', 'The origin closed the connection.'));
  // After the first one as well.
  socket.on('error', reject);
  socket.once('close', closed);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol !== 'h2') {
      reject(new Http2Unsupported('The origin does not speak HTTP/2.'));
      socket.destroy();
      return;
    }
    // With the windows that all have at first. With larger ones a session of Node's does not always notice that its origin has gone
    // (ADR 62), and on Bun a stream that nobody reads for a while stands still for good, and all others with it.
    const session = connect('https://origin', {
      // Bun tells of the end of its own.
      createConnection: () => (isNode ? new ToldSocket(socket) : socket),
      maxHeaderListPairs: fieldsMax,
      maxSessionMemory: sessionMemoryMb,
      settings: { enablePush: false, maxHeaderListSize: edgeLimits.origin.headBytesMax },
    });
    calm(session);
    session.once('error', reject);
    session.once('close', closed);
    session.once('remoteSettings', () => {
      session.off('error', reject).off('close', closed);
      opening.tell(undefined);
      resolve({
        session,
        terminate: () => {
          session.destroy();
          // One that the origin has left would wait for the origin to end its side as well.
          setImmediate(() => socket.destroy());
        },
      });
    });
  });
  return promise;
};
