import { cueBodyOf, decodeMetadata, FlvError, tagType } from '#core/flv';
import { assert, Prng, unreachable, type Machine, type Millis } from '#kernel';
import { ChunkReader, type RtmpMessage } from './chunk-reader.core.ts';
import { ChunkWriter } from './chunk-writer.core.ts';
import { decodeAggregate } from './aggregate.codec.ts';
import { decodeAbort } from './abort.codec.ts';
import { capabilitiesOf } from './client-capabilities.core.ts';
import { decodeCommand, isAmfObject, unwrapAmf3, type Command } from './command.codec.ts';
import { scriptBodyOf } from './data-message.codec.ts';
import { RtmpError, type RtmpErrorCode } from './errors.ts';
import { Handshake } from './handshake.core.ts';
import { MediaIntake } from './media-intake.core.ts';
import { Pace } from './pace.core.ts';
import { appOf, publishPathOf } from './publish-path.core.ts';
import { messageStreamId, Replies, type Status } from './replies.core.ts';
import { messageType } from './rtmp.constants.ts';
import {
  serverSessionLimits,
  type ServerSessionEffect,
  type ServerSessionInit,
  type ServerSessionInput,
  type ServerSessionLimits,
  type SessionCounts,
} from './session.types.ts';
import { decodeSetChunkSize } from './set-chunk-size.codec.ts';
import { decodeUserControl } from './user-control.codec.ts';
import { decodeWindowAcknowledgementSize } from './window-acknowledgement-size.codec.ts';

type Phase = 'handshake' | 'connecting' | 'connected' | 'deciding' | 'publishing' | 'closed';

/** Bytes after which we acknowledge and ask to be acknowledged (RTMP 1.0 section 5.4.4). */
const windowBytesDefault = 2_500_000;

const publishRefused = 'NetStream.Publish.BadName';

/**
 * The server's side of an RTMP connection that publishes: handshake, chunks, commands, media. Total and bounded: any
 * bytes lead to effects or to one `close` with an error. The input's bytes are borrowed for the call only.
 */
export class ServerSession implements Machine<ServerSessionInput, ServerSessionEffect> {
  readonly #init: ServerSessionInit;
  readonly #limits: ServerSessionLimits;
  readonly #handshake: Handshake;
  readonly #reader: ChunkReader;
  readonly #writer = new ChunkWriter();
  readonly #replies = new Replies(this.#writer);
  readonly #pace: Pace;
  readonly #startedAt: Millis;
  #intake: MediaIntake;
  #client = capabilitiesOf(null);
  #phase: Phase = 'handshake';
  #effects: ServerSessionEffect[] = [];
  #app = '';
  #encoder = '';
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #lastByteAt: Millis;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  #windowBytes = windowBytesDefault;
  #unreadableData = 0;

  constructor(init: ServerSessionInit, now: Millis) {
    this.#init = init;
    this.#limits = { ...serverSessionLimits, ...init.limits };
    this.#handshake = new Handshake(new Prng(init.seed));
    this.#reader = new ChunkReader({ pool: init.pool, messageBytesMax: this.#limits.messageBytesMaxBefore, chunkStreamsMax: this.#limits.chunkStreamsMax });
    this.#intake = this.#newIntake();
    this.#pace = new Pace({ windowMs: this.#limits.paceWindowMs, ratioMin: this.#limits.paceRatioMin });
    this.#startedAt = now;
    this.#lastByteAt = now;
  }

  #newIntake(): MediaIntake {
    return new MediaIntake((bodyBytes) => this.#reader.newBody(bodyBytes));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** True when the publisher would follow `ask-reconnect`. */
  get canReconnect(): boolean {
    return this.#client.canReconnect && this.#phase === 'publishing';
  }

  /** What was done to the publisher's media beside handing it on. */
  get counts(): Readonly<SessionCounts> {
    return { ...this.#intake.counts, unreadableData: this.#unreadableData };
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  step(input: ServerSessionInput, now: Millis): readonly ServerSessionEffect[] {
    if (this.#phase === 'closed') return [];
    try {
      this.#dispatch(input, now);
    } catch (error) {
      if (!(error instanceof RtmpError) && !(error instanceof FlvError)) throw error;
      this.#fail(error);
    }
    // Whoever performs them is done with them at once: kept until the next step they would outlive their time in the young heap.
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  nextDeadline(): Millis | undefined {
    switch (this.#phase) {
      case 'handshake':
        return this.#startedAt + this.#limits.handshakeMs;
      case 'connecting':
      case 'connected':
        return this.#startedAt + this.#limits.untilPublishMs;
      case 'publishing':
        return Math.min(this.#lastByteAt + this.#limits.stallMs, this.#pace.nextCheck() ?? Infinity);
      case 'deciding':
      case 'closed':
        return undefined;
      default:
        return unreachable(this.#phase);
    }
  }

  #dispatch(input: ServerSessionInput, now: Millis): void {
    switch (input.kind) {
      case 'bytes':
        this.#receive(input.bytes, now);
        break;
      case 'publish-accepted':
        this.#acceptPublish(now);
        break;
      case 'publish-refused':
        assert(this.#phase === 'deciding', 'a publisher was refused that had not asked');
        throw new RtmpError('RTMP_PUBLISH_REFUSED', input.description);
      case 'ask-reconnect':
        if (this.canReconnect) this.#replies.reconnectRequest(input.description);
        break;
      case 'end':
        this.#replies.onStatus(input.status);
        this.#close(undefined);
        break;
      case 'tick':
        this.#tick(now);
        break;
      default:
        unreachable(input);
    }
    this.#flush();
  }

  #receive(bytes: Uint8Array, now: Millis): void {
    this.#lastByteAt = now;
    this.#receivedBytes += bytes.length;
    if (this.#phase === 'deciding') this.#hold(bytes, 0);
    else this.#read(bytes, now);
    if (this.#receivedBytes - this.#acknowledgedBytes >= this.#windowBytes && this.#phase === 'publishing') {
      this.#acknowledgedBytes = this.#receivedBytes;
      this.#replies.acknowledge(this.#receivedBytes);
    }
  }

  #read(bytes: Uint8Array, now: Millis): void {
    let at = this.#phase === 'handshake' ? this.#shakeHands(bytes) : 0;
    if (this.#phase === 'handshake') return;
    for (;;) {
      at = this.#reader.consume(bytes, at);
      const message = this.#reader.take();
      if (message === undefined) return;
      this.#handle(message, now);
      if (this.#isClosed()) return;
      if (this.#phase === 'deciding') {
        this.#hold(bytes, at);
        return;
      }
    }
  }

  #shakeHands(bytes: Uint8Array): number {
    const { at, answer } = this.#handshake.consume(bytes, 0);
    if (answer !== undefined) this.#effects.push({ kind: 'send', bytes: answer });
    if (this.#handshake.done) this.#phase = 'connecting';
    return at;
  }

  /** Keeps a copy of what came behind `publish` until the decision is there. */
  #hold(bytes: Uint8Array, at: number): void {
    if (at >= bytes.length) return;
    this.#heldBytes += bytes.length - at;
    if (this.#heldBytes > this.#limits.heldBytesMax) throw new RtmpError('RTMP_LIMIT_EXCEEDED', 'Too many bytes came before the answer to publish.');
    this.#held.push(bytes.slice(at));
  }

  #handle(message: RtmpMessage, now: Millis): void {
    if (message.type === messageType.video) return this.#media(message, tagType.video, now);
    if (message.type === messageType.audio) return this.#media(message, tagType.audio, now);
    const payload = message.body.copyBody();
    message.body.release();
    switch (message.type) {
      case messageType.setChunkSize:
        return this.#reader.setChunkBytes(decodeSetChunkSize(payload));
      case messageType.abort:
        return this.#reader.abort(decodeAbort(payload));
      case messageType.windowAcknowledgementSize:
        // A window of nothing would have us acknowledge every read.
        this.#windowBytes = Math.max(decodeWindowAcknowledgementSize(payload), 65_536);
        return;
      case messageType.userControl:
        return this.#userControl(payload);
      case messageType.commandAmf0:
        return this.#command(decodeCommand(payload));
      case messageType.commandAmf3:
        return this.#command(decodeCommand(unwrapAmf3(payload)));
      case messageType.dataAmf0:
        return this.#data(payload, message.timestamp);
      case messageType.dataAmf3:
        return this.#data(unwrapAmf3(payload), message.timestamp);
      case messageType.aggregate:
        return this.#aggregate(payload, message, now);
      default:
      // Acknowledgements, bandwidth hints and vendors' own types ask for nothing.
    }
  }

  #media(message: RtmpMessage, type: typeof tagType.audio | typeof tagType.video, now: Millis): void {
    if (this.#phase !== 'publishing') {
      message.body.release();
      return;
    }
    const before = this.#effects.length;
    this.#intake.accept(message, type, now, this.#effects);
    if (this.#pace.nextCheck() === undefined && this.#effects.length > before) this.#pace.start(this.#intake.latestMs, now);
  }

  #aggregate(aggregate: Uint8Array, { timestamp, messageStreamId }: RtmpMessage, now: Millis): void {
    if (this.#phase !== 'publishing') return;
    for (const { type, timestamp: at, payload } of decodeAggregate(aggregate, timestamp)) {
      if (type === messageType.dataAmf0) this.#data(payload, at);
      if (type !== messageType.video && type !== messageType.audio) continue;
      const body = this.#reader.newBody(payload.length);
      body.append(payload, 0, payload.length);
      this.#media({ type, timestamp: at, messageStreamId, body }, type === messageType.video ? tagType.video : tagType.audio, now);
    }
  }

  /** What cannot be read describes nothing: the media goes on without it. */
  #data(payload: Uint8Array, timestamp: number): void {
    if (this.#phase !== 'publishing') return;
    try {
      this.#script(payload, timestamp);
    } catch (error) {
      if (!(error instanceof FlvError)) throw error;
      this.#unreadableData += 1;
    }
  }

  #script(payload: Uint8Array, timestamp: number): void {
    const cue = cueBodyOf(payload);
    if (cue !== undefined) {
      this.#effects.push({ kind: 'cue', timestampMs: this.#intake.timeOf(timestamp), body: cue });
      return;
    }
    const body = scriptBodyOf(payload);
    if (body === undefined || decodeMetadata(body) === undefined) return;
    this.#effects.push({ kind: 'metadata', body });
  }

  #userControl(payload: Uint8Array): void {
    const control = decodeUserControl(payload);
    if (control.event === 'ping-request') this.#replies.pong(control.values[0] as number);
  }

  #command(command: Command): void {
    if (this.#phase === 'connecting' && command.name !== 'connect')
      throw new RtmpError('RTMP_MESSAGE_INVALID', `The first command is ${command.name.slice(0, 40)}, not connect.`);
    switch (command.name) {
      case 'connect':
        return this.#connect(command);
      case 'createStream':
        return this.#replies.result(command.transactionId, messageStreamId);
      case 'releaseStream':
        return this.#replies.result(command.transactionId, undefined);
      case 'FCPublish':
        this.#replies.onFcEvent('onFCPublish', 'NetStream.Publish.Start', 'Waiting for publish.');
        return this.#replies.result(command.transactionId, undefined);
      case 'publish':
        return this.#publish(command);
      case 'FCUnpublish':
      case 'deleteStream':
      case 'closeStream':
        return this.#unpublish(command);
      case 'play':
        throw new RtmpError('RTMP_PLAY_REFUSED', 'This server takes streams in; it is not for playing.');
      default:
      // `_checkbw`, `getStreamLength` and vendors' own commands: nobody waits for an answer.
    }
  }

  #connect(command: Command): void {
    if (this.#phase !== 'connecting') throw new RtmpError('RTMP_MESSAGE_INVALID', 'connect came twice.');
    const text = (name: string): string => (typeof command.object?.[name] === 'string' ? (command.object[name] as string) : '');
    this.#app = text('app');
    this.#encoder = text('flashVer').slice(0, 100);
    if (appOf(this.#app) !== this.#init.app) {
      const description = `There is no application "${appOf(this.#app).slice(0, 60)}" here: publish to /${this.#init.app}.`;
      this.#replies.refuseConnect(command.transactionId, description);
      throw new RtmpError('RTMP_APP_UNKNOWN', description);
    }
    this.#client = capabilitiesOf(command.object);
    this.#replies.connected(command.transactionId, { chunkBytes: this.#limits.chunkBytes, windowBytes: windowBytesDefault, client: this.#client });
    this.#phase = 'connected';
  }

  #publish(command: Command): void {
    if (this.#phase !== 'connected') throw new RtmpError('RTMP_MESSAGE_INVALID', 'publish came twice.');
    const [name, type] = command.arguments;
    if (typeof name !== 'string' || isAmfObject(name)) throw new RtmpError('RTMP_MESSAGE_INVALID', 'publish names no stream.');
    this.#phase = 'deciding';
    this.#effects.push({
      kind: 'publish',
      path: publishPathOf(this.#app, name),
      type: typeof type === 'string' ? type.slice(0, 20) : 'live',
      encoder: this.#encoder,
    });
  }

  #acceptPublish(now: Millis): void {
    assert(this.#phase === 'deciding', 'a publisher was admitted that had not asked');
    this.#phase = 'publishing';
    this.#lastByteAt = now;
    this.#intake = this.#newIntake();
    this.#pace.start(0, now);
    this.#reader.messageBytesMax = this.#limits.messageBytesMax;
    this.#replies.streamBegin();
    this.#replies.onStatus({ level: 'status', code: 'NetStream.Publish.Start', description: 'Publishing.' });
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const bytes of held) {
      if (!this.#isClosed()) this.#read(bytes, now);
    }
  }

  /** FMLE and OBS send FCUnpublish, then deleteStream: the first ends the publication, the second finds it ended. */
  #unpublish(command: Command): void {
    if (command.name === 'FCUnpublish') {
      this.#replies.onFcEvent('onFCUnpublish', 'NetStream.Unpublish.Success', 'Unpublished.');
      this.#replies.result(command.transactionId, undefined);
    }
    if (this.#phase !== 'publishing') return;
    this.#replies.onStatus({ level: 'status', code: 'NetStream.Unpublish.Success', description: 'Unpublished.' });
    this.#effects.push({ kind: 'unpublish' });
    this.#close(undefined);
  }

  #tick(now: Millis): void {
    const deadline = this.nextDeadline();
    if (deadline === undefined || now < deadline) return;
    if (this.#phase === 'handshake') throw this.#late('RTMP_HANDSHAKE_TIMEOUT', 'The handshake did not end in time.');
    if (this.#phase !== 'publishing') throw this.#late('RTMP_PUBLISH_TIMEOUT', 'Nothing was published in time.');
    if (now >= this.#lastByteAt + this.#limits.stallMs) throw this.#late('RTMP_STALLED', `Nothing came for ${this.#limits.stallMs} ms.`);
    const ratio = this.#pace.check(this.#intake.latestMs, now);
    if (ratio === undefined) return;
    throw this.#late('RTMP_TOO_SLOW', `The media runs at ${Math.max(0, ratio).toFixed(2)} times real time: the uplink or the encoder is too slow.`);
  }

  #late(code: RtmpErrorCode, message: string): RtmpError {
    return new RtmpError(code, message);
  }

  /** `step` narrows phases; calls in between may have closed the session. */
  #isClosed(): boolean {
    return this.#phase === 'closed';
  }

  /** Tells the encoder why, as far as its protocol state can hear it, and ends the session. */
  #fail(error: RtmpError | FlvError): void {
    if (this.#phase === 'deciding' || this.#phase === 'connected') this.#replies.onStatus({ level: 'error', code: publishRefused, description: error.message });
    if (this.#phase === 'publishing') this.#replies.onStatus(failureStatus(error));
    this.#close(error);
    this.#flush();
  }

  #close(error: RtmpError | FlvError | undefined): void {
    this.#flush();
    this.#phase = 'closed';
    this.#held = [];
    this.#reader.close();
    this.#effects.push({ kind: 'close', error });
  }

  /** All that was written in this step is one effect, and one write to the socket. */
  #flush(): void {
    if (this.#writer.pendingBytes === 0) return;
    const send: ServerSessionEffect = { kind: 'send', bytes: this.#writer.take() };
    if (this.#effects.at(-1)?.kind === 'close') this.#effects.splice(-1, 0, send);
    else this.#effects.push(send);
  }
}

function failureStatus(error: RtmpError | FlvError): Status {
  const isRefused = error.code === 'RTMP_CODEC_UNSUPPORTED' || error.code === 'RTMP_TRACKS_EXCEEDED';
  const code = isRefused ? 'NetStream.Publish.Rejected' : 'NetStream.Publish.Failed';
  return { level: 'error', code, description: error.message };
}
