import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, encodeEvent, purgeApplied, purgeRequested, topicPartitions, type DraftOf, type PurgeSelector } from '#events';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EdgeProcess, until } from '../edge.fixture.ts';

export type PurgeData = DraftOf<typeof purgeRequested>['data'];

const ids = new UuidV7IdSource();

/** An origin whose every object has a version, and says which; what begins with `/slow` takes its time, and says what was true when it was asked. */
export class VersionedOrigin {
  readonly #versions = new Map<string, number>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  version(path: string): string {
    return `${path} ${this.#versions.get(path) ?? 1}`;
  }

  change(path: string): void {
    this.#versions.set(path, (this.#versions.get(path) ?? 1) + 1);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer({ url = '/', headers }: IncomingMessage, response: ServerResponse): void {
    const body = this.version(url);
    const etag = `"${Buffer.from(body).toString('hex')}"`;
    const fields = { 'cache-control': 'max-age=3600', 'cache-tag': `all,tag${url.replaceAll('/', '-')}`, etag };
    const send = (): void => {
      if (headers['if-none-match'] === etag) response.writeHead(304, fields).end();
      else response.writeHead(200, { ...fields, 'content-length': Buffer.byteLength(body) }).end(body);
    };
    if (url.startsWith('/slow')) setTimeout(send, 100);
    else send();
  }
}

/** When an edge said that it has applied a purge, ms: by its own clock, and when that was on the log. */
export interface Acknowledgement {
  readonly appliedAtMs: number;
  readonly seenAtMs: number;
}

/** Edges over one log, whose purges and answers are followed. */
export class PurgeFleet {
  readonly origin = new VersionedOrigin();
  readonly edges: EdgeProcess[] = [];
  readonly log: SqliteEventLog;
  readonly #folder: string;
  readonly #seen = new Map<string, Acknowledgement>();
  readonly #stop = new AbortController();
  #originUrl = '';
  #following: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
    this.log = new SqliteEventLog({ path: join(folder, 'log', 'events.sqlite') }, { clock: new SystemClock() });
  }

  async open(count: number): Promise<void> {
    for (const topic of ['cache', 'edge']) await this.log.ensureTopic(topic, topicPartitions);
    this.#originUrl = await this.origin.listen();
    this.#following = Promise.all(Array.from({ length: topicPartitions }, (_, partition) => this.#follow(partition)));
    await Promise.all(Array.from({ length: count }, (_, at) => this.start(at)));
  }

  /** Starts an edge, or starts it again. */
  async start(at: number): Promise<EdgeProcess> {
    const env = { EDGE_ID: `edge-${at}`, EDGE_MEMORY_MB: '32' };
    const edge = await EdgeProcess.start({ runtime: 'bun', dataDir: this.#folder, originUrl: this.#originUrl, env });
    if (edge.port === 0) throw new Error(`edge-${at} did not start: ${JSON.stringify(edge.lines.at(-1))}`);
    this.edges[at] = edge;
    return edge;
  }

  edge(at: number): EdgeProcess {
    const edge = this.edges[at];
    if (edge === undefined) throw new RangeError(`there is no edge-${at}`);
    return edge;
  }

  async purge(purges: readonly PurgeData[]): Promise<void> {
    const records = purges.map((data) =>
      encodeEvent({
        ...{ id: ids.next(), type: purgeRequested.type, version: purgeRequested.version, source: '/test', subject: data.purgeId, time: Date.now() },
        ...{ key: data.purgeId, tenant: 'default', correlationId: data.purgeId, causationId: data.purgeId, traceparent: '', actor: 'key:test' },
        ...{ streamVersion: 1n, producerEpoch: 0n, data },
      }),
    );
    await this.log.append('cache', records);
  }

  /** Whether somebody can append. A process that was stopped in the middle of its own append holds the whole file. */
  isWritable(): boolean {
    const file = new DatabaseSync(join(this.#folder, 'log', 'events.sqlite'), { timeout: 1000 });
    try {
      file.exec('BEGIN IMMEDIATE');
      file.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    } finally {
      file.close();
    }
  }

  acknowledged(purgeId: string, at: number): Acknowledgement | undefined {
    return this.#seen.get(`${purgeId}/edge-${at}`);
  }

  async acknowledgedBy(purgeId: string, edges: readonly number[]): Promise<void> {
    await until(() => edges.every((at) => this.acknowledged(purgeId, at) !== undefined));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const edge of this.edges) edge.child.kill('SIGCONT');
    await Promise.all(this.edges.map((edge) => edge.kill()));
    await this.#following;
    this.origin.close();
    await this.log.close();
  }

  async #follow(partition: number): Promise<void> {
    for (let from = 0n; !this.#stop.signal.aborted;) {
      const batch = await this.log.read('cache', partition, from, { recordsMax: 1000, bytesMax: 4e6, waitMs: 500 }, this.#stop.signal).catch(() => undefined);
      if (batch === undefined) continue;
      from = batch.next;
      for (const record of batch.records) {
        if (record.headers['ce_type'] !== purgeApplied.type) continue;
        const event = decodeEvent(record);
        if (event.type !== purgeApplied.type) continue;
        const { purgeId, edgeId, appliedAtMs } = event.data;
        const name = `${purgeId}/${edgeId}`;
        // Said again once its objects are counted: the first word counts.
        if (!this.#seen.has(name)) this.#seen.set(name, { appliedAtMs, seenAtMs: Date.now() });
      }
    }
  }
}

export const tagSelector = (value: string): PurgeSelector => ({ kind: 'tag', value });
