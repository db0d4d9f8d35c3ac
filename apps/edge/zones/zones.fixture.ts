import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { encodeEvent, topicPartitions, zoneConfigured, zoneRemoved, type ZoneConfiguration } from '#events';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EdgeProcess, until, type EdgeRuntime } from '../edge.fixture.ts';

const ids = new UuidV7IdSource();
const platform = { version: 1, source: '/test', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'key:test', producerEpoch: 0n };

/** A log with zones on it, and the edges that follow it. */
export class ZoneLog {
  readonly #log: SqliteEventLog;
  readonly #dataDir: string;
  readonly #versions = new Map<string, number>();
  readonly #edges: EdgeProcess[] = [];

  private constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#log = new SqliteEventLog({ path: join(dataDir, 'log', 'events.sqlite') }, { clock: new SystemClock() });
  }

  static async open(dataDir: string): Promise<ZoneLog> {
    const log = new ZoneLog(dataDir);
    for (const topic of ['cache', 'edge', 'zone']) await log.#log.ensureTopic(topic, topicPartitions);
    return log;
  }

  get log(): SqliteEventLog {
    return this.#log;
  }

  async edge(runtime: EdgeRuntime, originUrl: string, env: Readonly<Record<string, string>> = {}): Promise<EdgeProcess> {
    const edge = await EdgeProcess.start({ runtime, dataDir: this.#dataDir, originUrl, env: { ORIGIN_PRIVATE_ADDRESSES: 'true', ...env } });
    this.#edges.push(edge);
    return edge;
  }

  /** Says the next version of a zone on the log, whatever it is; which that is. */
  async say(zoneId: string, configuration: ZoneConfiguration | Record<string, unknown>, shieldUrl: string | null = null): Promise<number> {
    const zoneVersion = (this.#versions.get(zoneId) ?? 0) + 1;
    const data = { zoneId, name: zoneId, zoneVersion, epoch: zoneVersion, configuration, shieldUrl, reason: '', rolledBackTo: null };
    await this.#append(zoneId, zoneVersion, zoneConfigured.type, data);
    return zoneVersion;
  }

  async remove(zoneId: string): Promise<void> {
    const zoneVersion = (this.#versions.get(zoneId) ?? 0) + 1;
    await this.#append(zoneId, zoneVersion, zoneRemoved.type, { zoneId, name: zoneId, zoneVersion, reason: '' });
  }

  /** Says it, and waits until the edges serve by it. */
  async configure(zoneId: string, configuration: ZoneConfiguration, edges: readonly EdgeProcess[], shieldUrl: string | null = null): Promise<void> {
    const version = await this.say(zoneId, configuration, shieldUrl);
    for (const edge of edges) await until(async () => (await zonesOf(edge)).some((zone) => zone.id === zoneId && zone.version === version));
  }

  async close(): Promise<void> {
    await Promise.all(this.#edges.map((edge) => edge.kill()));
    await this.#log.close();
  }

  async #append(zoneId: string, zoneVersion: number, type: string, data: unknown): Promise<void> {
    this.#versions.set(zoneId, zoneVersion);
    const about = { id: ids.next(), type, subject: zoneId, key: zoneId, tenant: 'acme', time: Date.now(), streamVersion: BigInt(zoneVersion) };
    await this.#log.append('zone', [encodeEvent({ ...platform, ...about, data })]);
  }
}

export interface ZoneSeen {
  readonly id: string;
  readonly version: number;
  readonly refused?: string;
  readonly origins: ReadonlyArray<{ readonly url: string; readonly well: boolean; readonly heldForMs: number }>;
}

export async function zonesOf(edge: EdgeProcess): Promise<readonly ZoneSeen[]> {
  return ((await edge.status()) as unknown as { zones: readonly ZoneSeen[] }).zones;
}

/** An origin over TLS that speaks HTTP/1.1, and 2 unless it is said otherwise, and says which it was asked by. */
export async function tlsOrigin(key: string, cert: string, http2 = true): Promise<{ readonly url: string; readonly connections: () => number; close(): void }> {
  let connections = 0;
  const answer = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void => {
    const host = request.headers[':authority'] ?? request.headers.host;
    response.setHeader('cache-control', 'max-age=60');
    response.end(`${request.httpVersion} ${String(host)}`);
  };
  const server = http2 ? createSecureServer({ key, cert, allowHTTP1: true }, answer) : createServer({ key, cert }, answer);
  server.on('secureConnection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, connections: () => connections, close: () => void server.close() };
}
