import { Client, credentials, Metadata, status, type ClientDuplexStream } from '@grpc/grpc-js';
import type { ProtoCall } from './proto-calls.ts';

export interface ProtoFuzzInit {
  /** `host:port` of the gateway's gRPC server. */
  readonly address: string;
  readonly calls: readonly ProtoCall[];
  /** Credentials of the nth call; nothing for none. */
  readonly credentials: (at: number) => Readonly<Record<string, string>>;
  readonly atOnce?: number;
}

export interface ProtoFailure {
  readonly code: string;
  readonly method: string;
  readonly details: string;
  /** Hexadecimal. */
  readonly messages: readonly string[];
}

export interface ProtoReport {
  readonly calls: number;
  readonly byCode: Readonly<Record<string, number>>;
  /** INTERNAL and UNKNOWN, and calls that neither brought anything nor ended. */
  readonly failures: readonly ProtoFailure[];
}

const timeoutMs = 15_000;
const wrong = new Set(['INTERNAL', 'UNKNOWN', 'DEADLINE_EXCEEDED', 'DATA_LOSS']);

/** Sends one call as it is; a stream that has begun is left. Every kind of method is a stream of frames to its client. */
function send(client: Client, { method, messages }: ProtoCall, headers: Readonly<Record<string, string>>): Promise<ProtoFailure> {
  const path = `/${method.parent.typeName}/${method.name}`;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const asIs = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  const call: ClientDuplexStream<Uint8Array, Buffer> = client.makeBidiStreamRequest(path, asIs, (bytes) => bytes, metadata, {
    deadline: Date.now() + timeoutMs,
  });
  return new Promise((resolve) => {
    let begun = false;
    call.on('data', () => {
      // Of a single answer the status is still to come.
      if (method.methodKind === 'unary' || begun) return;
      begun = true;
      call.cancel();
    });
    call.on('error', () => undefined);
    call.on('status', ({ code, details }) => {
      const name = begun && code === status.CANCELLED ? 'OK' : (status[code] ?? String(code));
      resolve({ code: name, method: path, details, messages: messages.map((bytes) => Buffer.from(bytes).toString('hex')) });
    });
    for (const message of messages) call.write(message);
    call.end();
  });
}

/** Makes all calls, several at once, and says how they ended. */
export async function runProtoFuzz({ address, calls, credentials: of, atOnce = 16 }: ProtoFuzzInit): Promise<ProtoReport> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const byCode: Record<string, number> = {};
  const failures: ProtoFailure[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < calls.length; at = next++) {
      const answer = await send(client, calls[at] as ProtoCall, of(at));
      byCode[answer.code] = (byCode[answer.code] ?? 0) + 1;
      if (wrong.has(answer.code)) failures.push(answer);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  client.close();
  return { calls: calls.length, byCode, failures };
}
