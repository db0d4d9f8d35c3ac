import { Socket, type SocketConstructorOpts } from 'node:net';

/**
 * One kernel read's worth, for all connections of the process: the bytes are parsed before the next read, and nobody
 * keeps them. Node's own way allocates 64 KB per read, which costs more than parsing what is read.
 */
const buffer = new Uint8Array(64 * 1024);

/** What `net.Server` does not offer: `onread` (documented for sockets that connect) on a socket that was accepted. */
interface AcceptedSocket {
  _handle: object | null;
}

/**
 * A socket for an accepted, paused connection that hands its bytes to `receive`, borrowed for the call. Where this Node
 * does not let us, the socket is the same and reads as usual.
 */
export function readBorrowed(accepted: Socket, receive: (bytes: Uint8Array) => void): Socket {
  const inner = accepted as unknown as AcceptedSocket;
  const handle = inner._handle;
  if (handle === null || typeof (handle as { useUserBuffer?: unknown }).useUserBuffer !== 'function') {
    accepted.on('data', receive);
    return accepted;
  }
  const callback = (length: number, bytes: Uint8Array): boolean => {
    receive(bytes.subarray(0, length));
    return true;
  };
  inner._handle = null;
  const socket = new Socket({ handle, onread: { buffer, callback } } as SocketConstructorOpts);
  // The server counts its connections by the sockets that it made.
  socket.once('close', () => accepted.destroy());
  return socket;
}
