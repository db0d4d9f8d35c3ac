import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';

export const frameTypes = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 } as const;
export const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export interface H2Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export function frameOf(type: number, flag: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 section 5.1, with a prefix of `bits`. */
function integer(value: number, bits: number): number[] {
  const limit = 2 ** bits - 1;
  if (value < limit) return [value];
  const bytes = [limit];
  for (let rest = value - limit; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push(128 + (rest % 128));
  }
}

/** Fields as literals that nobody indexes or compresses (RFC 7541 section 6.2.2), so that any byte can be said. */
export function fieldBlock(fields: ReadonlyArray<readonly [string, string]>): Buffer {
  const parts = fields.flatMap(([name, value]) => {
    const [nameBytes, valueBytes] = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
    return [Buffer.from([0, ...integer(nameBytes.length, 7)]), nameBytes, Buffer.from(integer(valueBytes.length, 7)), valueBytes];
  });
  return Buffer.concat(parts);
}

/** The status of a response head that spells it by the static table or as a literal (RFC 7541 appendix A: 8 to 14). */
export function statusOf(block: Buffer): number {
  const at = block.findIndex((byte) => byte >> 5 !== 1);
  const first = block[at] as number;
  const known = [200, 204, 206, 304, 400, 404, 500][(first & 0x7f) - 8];
  if (first >= 0x80) return known ?? 0;
  const text = block.subarray(at + 2, at + 5).toString('latin1');
  // Three digits by the Huffman code of appendix B: 5 bits for 0 to 2, 6 for the others.
  return /^\d{3}$/.test(text) ? Number(text) : digitsOf(block.subarray(at + 2, at + 5));
}

function digitsOf(bytes: Buffer): number {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  while (digits.length < 3) {
    const short = Number.parseInt(bits.slice(0, 5), 2);
    const long = Number.parseInt(bits.slice(0, 6), 2);
    digits += short <= 2 ? short : long - 22;
    bits = bits.slice(short <= 2 ? 5 : 6);
  }
  return Number(digits);
}

/** A client of HTTP/2 that says what a test wants, right or wrong. */
export class RawH2 {
  readonly frames: H2Frame[] = [];
  closed = false;
  readonly #socket: TLSSocket;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  static async open(port: number): Promise<RawH2> {
    const socket = connect({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const client = new RawH2(socket);
    client.send(Buffer.from(preface), frameOf(frameTypes.settings, 0, 0));
    return client;
  }

  send(...parts: readonly Uint8Array[]): void {
    if (!this.closed) this.#socket.write(Buffer.concat(parts));
  }

  /** One request without a body on a stream. */
  ask(stream: number, fields: ReadonlyArray<readonly [string, string]>): void {
    this.send(frameOf(frameTypes.headers, flags.endStream | flags.endHeaders, stream, fieldBlock(fields)));
  }

  of(type: number, stream?: number): H2Frame[] {
    return this.frames.filter((frame) => frame.type === type && (stream === undefined || frame.stream === stream));
  }

  /** Status of the answer on a stream; `reset` or `closed` where there was none; undefined while nobody can tell. */
  outcome(stream: number): number | 'reset' | 'closed' | undefined {
    const head = this.of(frameTypes.headers, stream)[0];
    if (head !== undefined) return statusOf(head.payload);
    if (this.of(frameTypes.rstStream, stream).length > 0) return 'reset';
    return this.closed || this.of(frameTypes.goAway).length > 0 ? 'closed' : undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const frame = {
        type: this.#rest[3] as number,
        flags: this.#rest[4] as number,
        stream: this.#rest.readUInt32BE(5) & 0x7fffffff,
        payload: this.#rest.subarray(9, 9 + length),
      };
      this.frames.push(frame);
      this.#rest = this.#rest.subarray(9 + length);
      if (frame.type === frameTypes.settings && (frame.flags & flags.ack) === 0) this.send(frameOf(frameTypes.settings, flags.ack, 0));
    }
  }
}
