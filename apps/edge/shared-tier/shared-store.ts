import type { RedisConnection } from '#adapters/redis';

/** What was read under a name, and the time by the server's clock when it was. */
export interface SharedReading {
  readonly bytes: Uint8Array | undefined;
  readonly serverMs: number;
}

export interface SharedWrite {
  readonly name: string;
  readonly bytes: Buffer;
  /** By the server's clock: it is gone from then on, also when it was held up on its way, ms. */
  readonly untilMs: number;
}

type Answers = ReadonlyArray<readonly [Error | null, unknown]> | null;

/** The first failure among the answers of commands that went together. */
function resultsOf(answers: Answers): readonly unknown[] {
  if (answers === null) throw new Error('the connection ended');
  return answers.map(([error, result]) => {
    if (error !== null) throw error;
    return result;
  });
}

export interface SharedStoreInit {
  /** No more is read of a value, whatever lies there. */
  readonly bytesMax: number;
  /** Where a number stands that is read with each value, in one life of the server's data; none when left out. */
  readonly epochName?: ((life: string) => string) | undefined;
  readonly onEpoch?: ((epoch: bigint | undefined) => void) | undefined;
}

export interface EpochChange {
  /** What stood there, where it was replaced. */
  readonly before: bigint | undefined;
  /** What stands there now. */
  readonly stands: bigint | undefined;
}

/** Where no number stands: asked for while its place is not known. */
const unnamed = 'streams:edge:epoch';

/** Of which of its data's lives a server tells (`INFO replication`); undefined for a replica, whose data may be set back at any time. */
function replicationOf(info: string): string | undefined {
  return /^role:slave/m.test(info) ? undefined : (/^master_replid:(\w+)/m.exec(info)?.[1] ?? '');
}

function epochOf(text: string | null): bigint | undefined {
  return text !== null && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
}

/** The few commands of a Redis or Valkey that the tier needs (6.2 or later, for PXAT). */
export class SharedStore {
  readonly #redis: RedisConnection;
  readonly #init: SharedStoreInit;
  /** What the server said last of its replication: another one once it has taken another server's data, or parted from it. */
  #replication: string | undefined;
  /** The connection over which it did: over another one it may be another server, or the same with other data. */
  #connection = 0;

  constructor(redis: RedisConnection, init: SharedStoreInit) {
    this.#redis = redis;
    this.#init = init;
  }

  read(name: string): Promise<SharedReading> {
    const { bytesMax, onEpoch } = this.#init;
    const epochName = this.#epochName();
    return this.#redis.run(async (client) => {
      // Time after the value: what is counted from it is never too young.
      const pipeline = client.pipeline().getrangeBuffer(name, 0, bytesMax).time();
      if (onEpoch !== undefined) pipeline.get(epochName ?? unnamed);
      // Behind all else: whose it is by then, all of it is.
      if (this.#asksReplication) pipeline.info('replication');
      const [value, time, epoch, info] = resultsOf(await pipeline.exec()) as readonly [Buffer, readonly [string, string], string | null, string | undefined];
      onEpoch?.(epochName !== undefined && this.#isSame(info) ? epochOf(epoch) : undefined);
      const serverMs = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000);
      // What is longer than this edge takes is not damaged: another one may take more.
      return { bytes: value.length === 0 || value.length > bytesMax ? undefined : value, serverMs };
    });
  }

  /**
   * A server that was started again, or has taken over the data of one that was behind, may have the number of before a purge: each
   * life of its data has its own.
   */
  #epochName(): string | undefined {
    const { connection, serverRun } = this.#redis;
    if (connection !== this.#connection) this.#replication = undefined;
    this.#connection = connection;
    if (serverRun === undefined || (this.#asksReplication && this.#replication === undefined)) return undefined;
    return this.#init.epochName?.(this.#replication === undefined ? serverRun : `${serverRun}:${this.#replication}`);
  }

  /** One that does not say which it is would refuse this, too. */
  get #asksReplication(): boolean {
    return this.#init.onEpoch !== undefined && this.#redis.serverRun !== '';
  }

  /** Whether it tells of what was known of it before; from now on it is what it says. */
  #isSame(info: string | undefined): boolean {
    if (info === undefined) return true;
    const before = this.#replication;
    this.#replication = replicationOf(info);
    return before !== undefined && before === this.#replication;
  }

  async write(writes: readonly SharedWrite[]): Promise<void> {
    await this.#redis.run(async (client) => {
      const pipeline = client.pipeline();
      for (const { bytes, name, untilMs } of writes) pipeline.set(name, bytes, 'PXAT', Math.floor(untilMs));
      resultsOf(await pipeline.exec());
    });
  }

  /** @param replace an old one stays unless it is to be replaced. @throws also when the server may have other data than before */
  async setEpoch(epoch: bigint, replace: boolean): Promise<EpochChange> {
    return this.#redis.run(async (client) => {
      if (this.#asksReplication && this.#replication === undefined) this.#isSame(await client.info('replication'));
      const epochName = this.#epochName();
      if (epochName === undefined) throw new Error('the server has not said yet which it is');
      const pipeline = client.pipeline();
      if (replace) pipeline.set(epochName, String(epoch), 'GET');
      else pipeline.set(epochName, String(epoch), 'NX');
      pipeline.get(epochName);
      if (this.#asksReplication) pipeline.info('replication');
      const [before, stands, info] = resultsOf(await pipeline.exec()) as readonly [string | null, string | null, string | undefined];
      if (!this.#isSame(info)) throw new Error('the server has other data by now');
      return { before: replace ? epochOf(before) : undefined, stands: epochOf(stands) };
    });
  }

  async remove(names: readonly string[]): Promise<void> {
    await this.#redis.run((client) => client.unlink(...names));
  }

  /** A connection that says nothing may be one that leads nowhere. */
  reconnect(): void {
    this.#redis.reconnect();
  }

  close(): Promise<void> {
    return this.#redis.close();
  }
}
