import { openEngines, type Engines } from '#adapters/engines';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { defaultAudioBitrate, defaultDvrWindowMs, defaultLadder, defaultSegmentDurationMs, formatStreamKey, streamAggregate } from '#domain/stream';
import { decodeEvent, type DomainEvent } from '#events';
import { runMigrations } from '#migrations';
import { CommandExecutor, pause } from '#runtime';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface IngestPorts {
  readonly rtmpPort: number;
  readonly rtmpBackupPort: number;
  readonly relayPort: number;
}

/** The real ingest app as a process of its own. */
export class IngestProcess {
  readonly child: ChildProcess;
  readonly ports: IngestPorts;

  private constructor(child: ChildProcess, ports: IngestPorts) {
    this.child = child;
    this.ports = ports;
  }

  /** @param flags of Node */
  static async start(databaseUrl: string, env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): Promise<IngestProcess> {
    const main = new URL('../../apps/ingest/main.js', import.meta.url).pathname;
    const ports = { RTMP_PORT: '0', RTMP_BACKUP_PORT: '0', RELAY_PORT: '0' };
    const child = spawn(process.execPath, [...flags, main], {
      env: { ...process.env, STREAMS_HOST: '127.0.0.1', DATABASE_URL: databaseUrl, ...ports, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })) {
      const entry = JSON.parse(line) as IngestPorts & { ready?: boolean };
      if (entry.ready !== true) continue;
      child.stdout?.resume();
      return new IngestProcess(child, entry);
    }
    throw new Error('the ingest ended before it was ready');
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}

const secret = 'a'.repeat(26);

/** A database of its own with streams in it, and what happened to them. */
export class IngestWorld {
  readonly postgres: TemporaryPostgres;
  readonly engines: Engines<'database'>;
  readonly #events: DomainEvent[] = [];

  private constructor(postgres: TemporaryPostgres, engines: Engines<'database'>) {
    this.postgres = postgres;
    this.engines = engines;
  }

  static async open(): Promise<IngestWorld> {
    const postgres = await temporaryPostgres();
    await runMigrations(postgres.url);
    const engines = await openEngines({ logPath: '', blobPath: '', databaseUrl: postgres.url }, 'database');
    return new IngestWorld(postgres, engines);
  }

  /** Answers the stream's key. */
  async createStream(streamId: string, graceMs = 60_000): Promise<string> {
    const { aggregates, clock, ids } = this.engines;
    const commands = new CommandExecutor({ aggregates, clock, ids, source: '/test' });
    const keyHash = createHash('sha256').update(secret).digest('hex');
    const settings = {
      ladder: defaultLadder,
      audioBitrate: defaultAudioBitrate,
      segmentDurationMs: defaultSegmentDurationMs,
      graceMs,
      dvrWindowMs: defaultDvrWindowMs,
    };
    const result = await commands.execute(
      streamAggregate,
      streamId,
      { type: 'CreateStream', streamId, name: streamId, keyHash, ...settings },
      { actor: 'system:test', correlationId: 'test' },
    );
    if (result.refused) throw new Error(result.message);
    return formatStreamKey({ streamId, secret });
  }

  /** Everything that was committed so far, in order. */
  async events(): Promise<readonly DomainEvent[]> {
    const rows = await this.engines.outbox.take(1000, 0);
    const last = rows.at(-1);
    this.#events.push(...rows.map((row) => decodeEvent(row.record)));
    if (last !== undefined) await this.engines.outbox.forget(last.sequence);
    return this.#events;
  }

  /** Waits for the `count`-th event of a type; fails with what did happen. */
  async eventually<Type extends DomainEvent['type']>(type: Type, count = 1): Promise<Extract<DomainEvent, { type: Type }>> {
    for (let attempt = 0; attempt < 600; attempt++) {
      const found = (await this.events()).filter((event) => event.type === type)[count - 1];
      if (found !== undefined) return found as Extract<DomainEvent, { type: Type }>;
      await pause(50);
    }
    throw new Error(`no ${type} number ${count}; there were ${(await this.events()).map((event) => event.type).join(', ')}`);
  }

  async close(): Promise<void> {
    await this.engines.close();
    await this.postgres.stop();
  }
}
