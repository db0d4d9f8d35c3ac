import type { AmfObject, AmfValue } from '#core/flv';
import type { ChunkWriter } from './chunk-writer.core.ts';
import { serverCapabilities, type ClientCapabilities } from './client-capabilities.core.ts';
import { encodeAcknowledgement } from './acknowledgement.codec.ts';
import { encodeCommand } from './command.codec.ts';
import { chunkStreamId, messageType } from './rtmp.constants.ts';
import { encodeSetChunkSize } from './set-chunk-size.codec.ts';
import { encodeSetPeerBandwidth } from './set-peer-bandwidth.codec.ts';
import { encodeUserControl } from './user-control.codec.ts';
import { encodeWindowAcknowledgementSize } from './window-acknowledgement-size.codec.ts';

export interface Status {
  readonly level: 'status' | 'error';
  /** Such as `NetStream.Publish.BadName`. */
  readonly code: string;
  /** What the person at the encoder gets to read. */
  readonly description: string;
}

/** The one message stream that a connection gets; 0 is the connection itself (RTMP 1.0 section 7.2.1.3). */
export const messageStreamId = 1;

/** What the server says, in the words of the protocol. Everything goes into one write. */
export class Replies {
  readonly #writer: ChunkWriter;

  constructor(writer: ChunkWriter) {
    this.#writer = writer;
  }

  #control(type: number, payload: Uint8Array): void {
    this.#writer.write({ chunkStreamId: chunkStreamId.control, type, timestamp: 0, messageStreamId: 0, payload });
  }

  #command(onStream: number, name: string, transactionId: number, object: AmfObject | null, ...rest: readonly AmfValue[]): void {
    const payload = encodeCommand({ name, transactionId, object, arguments: rest });
    this.#writer.write({ chunkStreamId: chunkStreamId.command, type: messageType.commandAmf0, timestamp: 0, messageStreamId: onStream, payload });
  }

  acknowledge(receivedBytes: number): void {
    this.#control(messageType.acknowledgement, encodeAcknowledgement(receivedBytes));
  }

  pong(timestamp: number): void {
    this.#control(messageType.userControl, encodeUserControl('ping-response', timestamp));
  }

  /** The answer to `connect`; a large chunk size comes first, because ffmpeg and others write with what the server announces. */
  connected(transactionId: number, settings: { chunkBytes: number; windowBytes: number; client: ClientCapabilities }): void {
    this.#control(messageType.windowAcknowledgementSize, encodeWindowAcknowledgementSize(settings.windowBytes));
    this.#control(messageType.setPeerBandwidth, encodeSetPeerBandwidth({ windowBytes: settings.windowBytes, limit: 'dynamic' }));
    this.#control(messageType.setChunkSize, encodeSetChunkSize(settings.chunkBytes));
    this.#writer.setChunkBytes(settings.chunkBytes);
    const { isEnhanced, objectEncoding } = settings.client;
    // Enhanced RTMP v2 says "within an Object as one of the parameters": clients look in either.
    const own = isEnhanced ? serverCapabilities : {};
    const information = { level: 'status', code: 'NetConnection.Connect.Success', description: 'Connected.', objectEncoding, ...own };
    this.#command(0, '_result', transactionId, { fmsVer: 'FMS/3,5,7,7009', capabilities: 31, ...own }, information);
  }

  refuseConnect(transactionId: number, description: string): void {
    this.#command(0, '_error', transactionId, null, { level: 'error', code: 'NetConnection.Connect.Rejected', description });
  }

  result(transactionId: number, value: AmfValue): void {
    this.#command(0, '_result', transactionId, null, value);
  }

  streamBegin(): void {
    this.#control(messageType.userControl, encodeUserControl('stream-begin', messageStreamId));
  }

  /** FMLE waits for these beside the usual status. */
  onFcEvent(name: 'onFCPublish' | 'onFCUnpublish', code: string, description: string): void {
    this.#command(0, name, 0, null, { level: 'status', code, description });
  }

  /** Without a URL: the client connects again to the one that it knows (Enhanced RTMP v2, "Reconnect Request"). */
  reconnectRequest(description: string): void {
    this.#command(0, 'onStatus', 0, null, { level: 'status', code: 'NetConnection.Connect.ReconnectRequest', description });
  }

  onStatus(status: Status): void {
    this.#command(messageStreamId, 'onStatus', 0, null, { ...status });
  }
}
