import { tagType, type AmfObject, type AmfValue, type FlvTag } from '#core/flv';
import {
  ChunkReader,
  ChunkWriter,
  decodeCommand,
  decodeSetChunkSize,
  encodeCommand,
  encodeSetChunkSize,
  handshakeBytes,
  messageType,
  rtmpVersion,
  SlabPool,
} from '#core/rtmp';
import { connect, type Socket } from 'node:net';

export interface RtmpPublisherInit {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  readonly streamName: string;
  /** What it says about itself in `connect`, beyond the usual. */
  readonly capabilities?: AmfObject;
}

/** What the server said to `connect` or `publish` when it did not like it. */
export class RefusedError extends Error {
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }
}

const pool = new SlabPool();

/**
 * An RTMP publisher as ffmpeg is one: takes over the server's chunk size, sends FCPublish, one write per message.
 * For tests and load; real encoders have their own tests.
 */
export class RtmpPublisher {
  readonly socket: Socket;
  readonly #writer = new ChunkWriter();
  readonly #reader = new ChunkReader({ pool, messageBytesMax: 1 << 20 });
  readonly #statuses: string[] = [];
  #handshakeLeft = 1 + 2 * handshakeBytes;
  #published: (() => void) | undefined;
  #refused: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Status codes that the server has sent so far. */
  get statuses(): readonly string[] {
    return this.#statuses;
  }

  /** Resolves when the server said NetStream.Publish.Start; rejects with a RefusedError, or when the connection ends. */
  static async publish(init: RtmpPublisherInit): Promise<RtmpPublisher> {
    const publisher = new RtmpPublisher(connect({ host: init.host, port: init.port, noDelay: true }));
    await publisher.#publish(init);
    return publisher;
  }

  async #publish(init: RtmpPublisherInit): Promise<void> {
    const { socket } = this;
    const done = new Promise<void>((resolve, reject) => {
      this.#published = resolve;
      this.#refused = reject;
    });
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#refused?.(error));
    socket.on('close', () => this.#refused?.(new RefusedError('closed', 'The server closed the connection.')));
    const hello = new Uint8Array(1 + handshakeBytes);
    hello[0] = rtmpVersion;
    socket.write(hello);
    socket.write(new Uint8Array(handshakeBytes));
    const { app, streamName } = init;
    const own = { app, type: 'nonprivate', flashVer: 'FMLE/3.0 (compatible; streams)', tcUrl: `rtmp://${init.host}:${init.port}/${app}` };
    this.#command(0, 'connect', 1, { ...own, ...init.capabilities });
    this.#command(0, 'releaseStream', 2, null, streamName);
    this.#command(0, 'FCPublish', 3, null, streamName);
    this.#command(0, 'createStream', 4, null);
    this.#command(1, 'publish', 5, null, streamName, 'live');
    this.flush();
    await done;
  }

  #command(messageStreamId: number, name: string, transactionId: number, object: AmfObject | null, ...rest: readonly AmfValue[]): void {
    const payload = encodeCommand({ name, transactionId, object, arguments: rest });
    this.#writer.write({ chunkStreamId: 3, type: messageType.commandAmf0, timestamp: 0, messageStreamId, payload });
  }

  /** Queues a message of any kind. */
  write(type: number, timestamp: number, payload: Uint8Array, chunkStreamId = 4): void {
    this.#writer.write({ chunkStreamId, type, timestamp: timestamp >>> 0, messageStreamId: 1, payload });
  }

  /** Sends a tag; false when the socket's buffer is full. */
  sendTag(tag: FlvTag, timestampMs = tag.timestampMs): boolean {
    this.write(tag.type, timestampMs, tag.body, tag.type === tagType.audio ? 4 : 6);
    return this.flush();
  }

  flush(): boolean {
    return this.socket.write(this.#writer.take());
  }

  /** Ends as ffmpeg does. */
  unpublish(streamName: string): void {
    this.#command(0, 'FCUnpublish', 6, null, streamName);
    this.#command(0, 'deleteStream', 7, null, 1);
    this.flush();
    this.socket.end();
  }

  #receive(bytes: Uint8Array): void {
    const skipped = Math.min(this.#handshakeLeft, bytes.length);
    this.#handshakeLeft -= skipped;
    let at = skipped;
    for (;;) {
      at = this.#reader.consume(bytes, at);
      const message = this.#reader.take();
      if (message === undefined) return;
      const payload = message.body.copyBody();
      message.body.release();
      this.#handle(message.type, payload);
    }
  }

  #handle(type: number, payload: Uint8Array): void {
    if (type === messageType.setChunkSize) {
      const bytes = decodeSetChunkSize(payload);
      this.#reader.setChunkBytes(bytes);
      this.#writer.write({ chunkStreamId: 2, type: messageType.setChunkSize, timestamp: 0, messageStreamId: 0, payload: encodeSetChunkSize(bytes) });
      this.flush();
      this.#writer.setChunkBytes(bytes);
    }
    if (type === messageType.commandAmf0) this.#status(payload);
  }

  #status(payload: Uint8Array): void {
    const command = decodeCommand(payload);
    const information = (command.name === '_error' || command.name === 'onStatus' ? command.arguments[0] : undefined) as AmfObject | undefined;
    if (information === undefined) return;
    const code = String(information['code']);
    this.#statuses.push(code);
    if (code === 'NetStream.Publish.Start') this.#published?.();
    else if (information['level'] === 'error') this.#refused?.(new RefusedError(code, String(information['description'])));
  }
}
