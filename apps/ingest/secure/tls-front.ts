import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificateKeeper } from './certificate-keeper.ts';

export interface TlsFrontInit {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly handshakeMs: number;
  readonly certificate: CertificateKeeper;
}

/** What becomes of a connection: exactly one of the two, unless it closes without a word. */
export interface TlsOutcome {
  readonly secured: (socket: TLSSocket) => void;
  readonly failed: (detail: string) => void;
}

const details: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'The encoder offers no version of TLS that is allowed here. For old encoders set RTMPS_TLS_MIN to 1.2.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The encoder does not speak TLS: use rtmps:// on this port, or the port for rtmp://.',
  ERR_SSL_HTTP_REQUEST: 'This port is for RTMPS, not for HTTP.',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'The TLS handshake did not end in time.',
};

/** How Node and OpenSSL say that the peer went away. */
const goneCodes: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE']);

/** Turns accepted connections into encrypted ones. A new certificate serves new connections; those there keep theirs. */
export class TlsFront {
  readonly #server: Server;
  readonly #waiting = new Map<string, TlsOutcome>();

  constructor({ minVersion, handshakeMs, certificate }: TlsFrontInit) {
    const context = ({ cert, key }: { cert: string; key: string }) => ({ cert, key, minVersion });
    this.#server = createServer({ ...context(certificate.identity), handshakeTimeout: handshakeMs });
    this.#server.on('secureConnection', (socket) => this.#outcomeOf(socket)?.secured(socket));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => this.#fail(error, socket));
    certificate.onChange((identity) => this.#server.setSecureContext(context(identity)));
  }

  secure(accepted: Socket, outcome: TlsOutcome): void {
    const name = nameOf(accepted);
    this.#waiting.set(name, outcome);
    accepted.on('error', () => undefined);
    accepted.once('close', () => this.#waiting.delete(name));
    this.#server.emit('connection', accepted);
  }

  #fail(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const outcome = this.#outcomeOf(socket);
    if (!goneCodes.has(error.code)) outcome?.failed(details[error.code ?? ''] ?? `The TLS handshake failed: ${error.code ?? error.message}.`);
    socket.destroy();
  }

  #outcomeOf(socket: Socket): TlsOutcome | undefined {
    const name = nameOf(socket);
    const outcome = this.#waiting.get(name);
    this.#waiting.delete(name);
    return outcome;
  }
}

/** One per connection of a port, on the encrypted socket as on the one beneath it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''}:${remotePort ?? 0}`;
}
