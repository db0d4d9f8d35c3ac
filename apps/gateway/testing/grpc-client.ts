import { create, fromBinary, toBinary, type DescMethod, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status, type ClientDuplexStream, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { StatusSchema } from '../grpc/generated/google/rpc/status_pb.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../grpc/generated/google/rpc/error_details_pb.ts';
import { anyUnpack } from '@bufbuild/protobuf/wkt';

/** How a call ended. */
export interface Ended {
  /** The name of the status, such as `OK`. */
  readonly code: string;
  readonly details: string;
  readonly reason: string | undefined;
  readonly fields: readonly string[];
  /** What `google.rpc.RetryInfo` says, seconds. */
  readonly retrySec: number | undefined;
  readonly metadata: Metadata;
}

export function endedOf({ code, details, metadata }: Pick<ServiceError, 'code' | 'details' | 'metadata'>): Ended {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const rich = Buffer.isBuffer(bytes) ? fromBinary(StatusSchema, bytes).details : [];
  const reason = rich.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((one) => one !== undefined)?.reason;
  const fields = rich.flatMap((detail) => anyUnpack(detail, BadRequestSchema)?.fieldViolations.map(({ field }) => field) ?? []);
  const retry = rich.map((detail) => anyUnpack(detail, RetryInfoSchema)?.retryDelay).find((one) => one !== undefined);
  const retrySec = retry === undefined ? undefined : Number(retry.seconds) + retry.nanos / 1e9;
  return { code: status[code] ?? String(code), details, reason, fields, retrySec, metadata };
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function encoder<Method extends DescMethod>(method: Method): (request: MessageInitShape<Method['input']> | Buffer) => Buffer {
  return (request) => (Buffer.isBuffer(request) ? request : Buffer.from(toBinary(method.input, create(method.input, request as never))));
}

function decoder<Method extends DescMethod>(method: Method): (bytes: Buffer) => MessageShape<Method['output']> {
  return (bytes) => fromBinary(method.output, bytes) as MessageShape<Method['output']>;
}

/** A client of a gateway's gRPC server that can also send what is no message. */
export class GrpcClient {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor(address: string, authorization?: string) {
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    if (authorization !== undefined) this.#metadata.set('authorization', authorization);
  }

  /** @throws {@link Ended} */
  unary<Method extends DescMethod>(
    method: Method,
    request: MessageInitShape<Method['input']> | Buffer,
    deadlineMs = 10_000,
  ): Promise<MessageShape<Method['output']>> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + deadlineMs };
      this.#client.makeUnaryRequest(pathOf(method), encoder(method), decoder(method), request, this.#metadata, options, (error, answer) =>
        error === null ? resolve(answer as MessageShape<Method['output']>) : reject(endedOf(error) as unknown as Error),
      );
    });
  }

  serverStream<Method extends DescMethod>(method: Method, request: MessageInitShape<Method['input']> | Buffer, deadlineMs?: number): Reading<Method> {
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    return new Reading(this.#client.makeServerStreamRequest(pathOf(method), encoder(method), decoder(method), request, this.#metadata, options));
  }

  bidi<Method extends DescMethod>(method: Method): Reading<Method> & { write(request: MessageInitShape<Method['input']> | Buffer): void; end(): void } {
    const call = this.#client.makeBidiStreamRequest(pathOf(method), encoder(method), decoder(method), this.#metadata);
    return Object.assign(new Reading<Method>(call), {
      write: (request: MessageInitShape<Method['input']> | Buffer) => void call.write(request),
      end: () => call.end(),
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** What a stream has brought so far. */
export class Reading<Method extends DescMethod> {
  readonly messages: MessageShape<Method['output']>[] = [];
  readonly ended: Promise<Ended>;
  readonly #call: ClientReadableStream<MessageShape<Method['output']>> | ClientDuplexStream<never, MessageShape<Method['output']>>;
  #waiters: Array<() => void> = [];
  #isOver = false;

  constructor(call: unknown) {
    this.#call = call as ClientReadableStream<MessageShape<Method['output']>>;
    this.#call.on('data', (message: MessageShape<Method['output']>) => {
      this.messages.push(message);
      this.#wake();
    });
    this.#call.on('error', () => undefined);
    // What came before the end may still be on its way through the client when the status is known.
    const over = new Promise<void>((resolve) => this.#call.on('end', resolve));
    this.ended = new Promise((resolve) => {
      this.#call.on('status', (state: Pick<ServiceError, 'code' | 'details' | 'metadata'>) => {
        void over.then(() => {
          this.#isOver = true;
          this.#wake();
          resolve(endedOf(state));
        });
      });
    });
  }

  /** Resolves when it holds, or nothing more comes. */
  async until(holds: (messages: readonly MessageShape<Method['output']>[]) => boolean): Promise<void> {
    while (!holds(this.messages) && !this.#isOver) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  cancel(): void {
    this.#call.cancel();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
