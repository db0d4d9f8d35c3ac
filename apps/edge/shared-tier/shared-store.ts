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
  /** Where a number stands that is read with each value, in one run of the server; none when left out. */
  readonly epochName?: ((serverRun: string) => string) | undefined;
  readonly onEpoch?: ((epoch: bigint | undefined) => void) | undefined;
}

function epochOf(text: string | null): bigint | undefined {
  return text !== null && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
}

/** The few commands of a Redis or Valkey that the tier needs (6.2 or later, for PXAT). */
export class SharedStore {
  readonly #redis: RedisConnection;
  readonly #init: SharedStoreInit;

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
      if (epochName !== undefined) pipeline.get(epochName);
      const [value, time, epoch] = resultsOf(await pipeline.exec()) as readonly [Buffer, readonly [string, string], string | null | undefined];
      onEpoch?.(epochOf(epoch ?? null));
      const serverMs = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000);
      // What is longer than this edge takes is not damaged: another one may take more.
      return { bytes: value.length === 0 || value.length > bytesMax ? undefined : value, serverMs };
    });
  }

  /** A server that was started again may have the number of before a purge: each run has its own. */
  #epochName(): string | undefined {
    const { serverRun } = this.#redis;
    return serverRun === undefined ? undefined : this.#init.epochName?.(serverRun);
  }

  async write(writes: readonly SharedWrite[]): Promise<void> {
    await this.#redis.run(async (client) => {
      const pipeline = client.pipeline();
      for (const { bytes, name, untilMs } of writes) pipeline.set(name, bytes, 'PXAT', Math.floor(untilMs));
      resultsOf(await pipeline.exec());
    });
  }

  /** @returns what stands there now: an old one stays unless it is to be replaced */
  async setEpoch(epoch: bigint, replace: boolean): Promise<bigint | undefined> {
    const epochName = this.#epochName();
    if (epochName === undefined) throw new Error('the server has not said yet which it is');
    return this.#redis.run(async (client) => {
      const pipeline = client.pipeline();
      if (replace) pipeline.set(epochName, String(epoch));
      else pipeline.set(epochName, String(epoch), 'NX');
      const [, stands] = resultsOf(await pipeline.get(epochName).exec());
      return epochOf(stands as string | null);
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
