import { Agent, request } from 'node:http';
import type { ApiCall } from './api-calls.ts';

export interface FuzzInit {
  /** Of the gateway. */
  readonly url: string;
  readonly calls: readonly ApiCall[];
  /** Credentials of the nth call; nothing for none. */
  readonly credentials: (at: number) => Readonly<Record<string, string>>;
  /** Address that the nth call comes from, such as `127.0.0.7`. */
  readonly localAddress?: (at: number) => string;
  readonly atOnce?: number;
}

export interface FuzzFailure {
  readonly status: number;
  readonly call: ApiCall;
  readonly text: string;
}

export interface FuzzReport {
  readonly calls: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Answers of 500 and above, and answers that did not come. */
  readonly failures: readonly FuzzFailure[];
}

const timeoutMs = 30_000;

/** Sends one call as it is; what would go on for ever is left once it has begun. */
function send(url: string, call: ApiCall, options: { headers: Readonly<Record<string, string>>; agent: Agent; localAddress: string }): Promise<FuzzFailure> {
  const { hostname, port } = new URL(url);
  const { method, path, body } = call;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve) => {
    const fail = (error: Error): void => resolve({ status: 0, call, text: error.message });
    const outgoing = request(
      {
        hostname,
        port,
        path,
        method,
        agent: options.agent,
        localAddress: options.localAddress,
        timeout: timeoutMs,
        headers: { ...call.headers, ...length, ...options.headers },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        const endless = /event-stream|ndjson/.test(response.headers['content-type'] ?? '');
        if (endless) {
          response.on('error', () => undefined);
          response.destroy();
          return resolve({ status, call, text: '' });
        }
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => resolve({ status, call, text: Buffer.concat(chunks).toString() }));
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

/** Makes all calls, several at once, and says how they were answered. */
export async function runFuzz({ url, calls, credentials, localAddress = () => '127.0.0.1', atOnce = 16 }: FuzzInit): Promise<FuzzReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce * 4 });
  const byStatus: Record<string, number> = {};
  const failures: FuzzFailure[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < calls.length; at = next++) {
      const answer = await send(url, calls[at] as ApiCall, { headers: credentials(at), agent, localAddress: localAddress(at) });
      byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1;
      if (answer.status === 0 || answer.status >= 500) failures.push(answer);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  agent.destroy();
  return { calls: calls.length, byStatus, failures };
}
