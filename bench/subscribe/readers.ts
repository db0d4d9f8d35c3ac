import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { request, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { StartAt, SubscribeRequestSchema } from '../../apps/gateway/grpc/generated/streams/v1/event_service_pb.ts';

export interface GatewayFacts {
  readonly url: string;
  readonly grpc: string;
  readonly authorization: string;
}

const same = (bytes: Buffer): Buffer => bytes;

/** A call that brings messages as bytes: what a client makes of them is its own affair. */
export function readMessages(address: string, path: string, message: Buffer, { authorization = '', window = 1_048_576 } = {}): ClientReadableStream<Buffer> {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
    'grpc-node.flow_control_window': window,
  });
  const metadata = new Metadata();
  if (authorization !== '') metadata.set('authorization', authorization);
  const call = client.makeServerStreamRequest(path, same, same, message, metadata);
  call.on('error', () => undefined);
  call.on('end', () => client.close());
  return call;
}

export function subscribe(
  { grpc, authorization }: GatewayFacts,
  init: MessageInitShape<typeof SubscribeRequestSchema>,
  window = 1_048_576,
): ClientReadableStream<Buffer> {
  const message = Buffer.from(toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema, init)));
  return readMessages(grpc, '/streams.v1.EventService/Subscribe', message, { authorization, window });
}

/** Events of a SubscribeResponse: its fields of number 1, counted without looking into them. */
export function countEvents(message: Buffer, each?: (from: number, to: number) => void): number {
  let count = 0;
  for (let at = 0; at < message.length;) {
    const tag = message[at++] as number;
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * shift;
      if (byte < 128) break;
    }
    if ((tag & 7) !== 2) continue;
    if (tag >> 3 === 1) {
      count++;
      each?.(at, at + value);
    }
    at += value;
  }
  return count;
}

/** Events as an HTTP answer, at `/api/v1/events/…`; resolves when it has begun. */
export function openHttp({ url, authorization }: GatewayFacts, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(`${url}/api/v1/events/${path}`, { headers: { authorization }, agent: false }, resolve).on('error', reject).end();
  });
}

/** A reader that has stopped to read. */
export interface Stalled {
  leave(): void;
}

const window = 65_535;
/** Ways to begin with the first event, take one chunk, and then nothing any more; each on a connection of its own. */
export const stallBy: Readonly<Record<'grpc' | 'sse' | 'ndjson' | 'websocket', (facts: GatewayFacts) => Promise<Stalled>>> = {
  grpc: async (facts) => {
    const call = subscribe(facts, { start: { case: 'at', value: StartAt.BEGINNING } }, window);
    call.once('data', () => call.pause());
    return { leave: () => call.cancel() };
  },
  sse: (facts) => stallHttp(facts, 'live?from=beginning'),
  ndjson: (facts) => stallHttp(facts, 'stream?from=beginning'),
  websocket: async ({ url, authorization }) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/events/ws?from=beginning`, { headers: { authorization } });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve).once('message', resolve));
    socket.pause();
    return { leave: () => socket.terminate() };
  },
};

async function stallHttp(facts: GatewayFacts, path: string): Promise<Stalled> {
  const response = await openHttp(facts, path).catch(() => undefined);
  response?.on('error', () => undefined);
  response?.once('data', () => response.pause());
  return { leave: () => response?.destroy() };
}
