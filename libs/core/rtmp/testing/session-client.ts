import { decodeAmf0, type AmfObject, type AmfValue } from '#core/flv';
import { ChunkReader } from '../chunk-reader.core.ts';
import { ChunkWriter } from '../chunk-writer.core.ts';
import { encodeCommand } from '../command.codec.ts';
import { handshakeBytes } from '../handshake.core.ts';
import { messageType } from '../rtmp.constants.ts';
import { ServerSession } from '../server-session.core.ts';
import type { ServerSessionEffect, ServerSessionInput, ServerSessionLimits } from '../session.types.ts';
import { SlabPool } from '../slab-pool.core.ts';

interface Reply {
  readonly type: number;
  readonly values: readonly AmfValue[];
  readonly payload: Uint8Array;
}

export const avcConfig = Uint8Array.from([
  0x17,
  0,
  0,
  0,
  0,
  ...Buffer.from('0142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8', 'hex'),
]);
export const keyFrame = Uint8Array.of(0x17, 1, 0, 0, 0, 9, 9, 9);
export const aacConfig = Uint8Array.of(0xaf, 0, 0x11, 0x90);
export const aacFrame = Uint8Array.of(0xaf, 1, 1, 2, 3);

/** A client that speaks to a session directly, as librtmp (OBS) would by default. */
export class Client {
  readonly pool = new SlabPool();
  readonly session: ServerSession;
  readonly effects: ServerSessionEffect[] = [];
  readonly writer = new ChunkWriter();
  now = 0;
  readonly #reader = new ChunkReader({ pool: new SlabPool(), messageBytesMax: 1 << 16 });
  #greetingLeft = 1 + 2 * handshakeBytes;

  constructor(limits: Partial<ServerSessionLimits> = {}) {
    this.session = new ServerSession({ app: 'live', pool: this.pool, seed: 1, limits }, 0);
  }

  step(input: ServerSessionInput): void {
    this.effects.push(...this.session.step(input, this.now));
  }

  shakeHands(): this {
    this.step({ kind: 'bytes', bytes: Uint8Array.of(3, ...new Uint8Array(2 * handshakeBytes)) });
    return this;
  }

  send(type: number, payload: Uint8Array, timestamp = 0): this {
    this.writer.write({ chunkStreamId: 4, type, timestamp, messageStreamId: 1, payload });
    this.step({ kind: 'bytes', bytes: this.writer.take() });
    return this;
  }

  command(name: string, transactionId: number, object: AmfObject | null, ...rest: readonly AmfValue[]): this {
    return this.send(messageType.commandAmf0, encodeCommand({ name, transactionId, object, arguments: rest }));
  }

  accept(): this {
    this.step({ kind: 'publish-accepted' });
    return this;
  }

  publish(): this {
    return this.shakeHands().command('connect', 1, { app: 'live' }).command('createStream', 2, null).command('publish', 3, null, 'key', 'live').accept();
  }

  /** What the server said since the last call. */
  replies(): Reply[] {
    const replies: Reply[] = [];
    for (const effect of this.effects.filter((one) => one.kind === 'send')) {
      const skipped = Math.min(this.#greetingLeft, effect.bytes.length);
      this.#greetingLeft -= skipped;
      for (let at = skipped; ;) {
        at = this.#reader.consume(effect.bytes, at);
        const message = this.#reader.take();
        if (message === undefined) break;
        const payload = message.body.copyBody();
        if (message.type === messageType.setChunkSize) this.#reader.setChunkBytes(65_536);
        replies.push({ type: message.type, payload, values: message.type === messageType.commandAmf0 ? decodeAmf0(payload) : [] });
      }
    }
    this.effects.splice(0, this.effects.length, ...this.effects.filter((one) => one.kind !== 'send'));
    return replies;
  }

  commands(): string[] {
    return this.replies()
      .filter((reply) => reply.type === messageType.commandAmf0)
      .map(({ values: [name, , , information] }) => [name, (information as AmfObject | undefined)?.['code']].filter(Boolean).join(' '));
  }

  kinds(): string[] {
    return this.effects.map((effect) => (effect.kind === 'media' ? `media ${effect.packet}` : effect.kind));
  }

  closedWith(): string | undefined {
    const last = this.effects.at(-1);
    return last?.kind === 'close' ? (last.error?.code ?? 'clean') : undefined;
  }
}
