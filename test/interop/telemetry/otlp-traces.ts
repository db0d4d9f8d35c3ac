import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it came over the wire (opentelemetry/proto/trace/v1/trace.proto). */
export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
}

interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** The fields of a protobuf message, by the encoding's own description: no code of the exporter has a part in reading. */
function* fieldsOf(bytes: Uint8Array): Iterable<Field> {
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('The message ends in the middle of a number.');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('The message ends in the middle of a field.');
    return bytes.subarray(at, (at += length));
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, type] = [tag >> 3, tag & 7];
    if (type === 0) yield { number, value: varint() };
    else if (type === 1) yield { number, value: take(8) };
    else if (type === 2) yield { number, value: take(Number(varint())) };
    else if (type === 5) yield { number, value: take(4) };
    else throw new Error(`There is no wire type ${type}.`);
  }
}

function messages(bytes: Uint8Array, number: number): readonly Uint8Array[] {
  return [...fieldsOf(bytes)].filter((field) => field.number === number).map((field) => field.value as Uint8Array);
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

function attributesOf(pairs: readonly Uint8Array[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value] = [...fieldsOf(messages(pair, 2)[0] ?? new Uint8Array())];
      return [text(messages(pair, 1)[0]), value?.value instanceof Uint8Array ? text(value.value) : String(value?.value ?? '')];
    }),
  );
}

function numberOf(bytes: Uint8Array, number: number): number {
  const field = [...fieldsOf(bytes)].find((one) => one.number === number);
  return typeof field?.value === 'bigint' ? Number(field.value) : 0;
}

function spanOf(span: Uint8Array, service: string): ReceivedSpan {
  const status = messages(span, 15)[0];
  return {
    service,
    traceId: hex(messages(span, 1)[0]),
    spanId: hex(messages(span, 2)[0]),
    parentSpanId: hex(messages(span, 4)[0]),
    name: text(messages(span, 5)[0]),
    kind: numberOf(span, 6),
    attributes: attributesOf(messages(span, 9)),
    links: messages(span, 13).map((link) => ({ traceId: hex(messages(link, 1)[0]), spanId: hex(messages(link, 2)[0]) })),
    status: status === undefined ? 0 : numberOf(status, 3),
  };
}

/** Reads an ExportTraceServiceRequest. */
export function readTraces(body: Uint8Array): readonly ReceivedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const service = attributesOf(messages(messages(resourceSpans, 1)[0] ?? new Uint8Array(), 1))['service.name'] ?? '';
    return messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2).map((span) => spanOf(span, service)));
  });
}

/** A collector for OTLP over HTTP, as small as the protocol allows. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly headers: Array<Readonly<Record<string, unknown>>> = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.headers.push(request.headers);
        const right = request.method === 'POST' && request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
        if (right) this.spans.push(...readTraces(Buffer.concat(chunks)));
        response.writeHead(right ? 200 : 400, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
  }

  static async listen(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
