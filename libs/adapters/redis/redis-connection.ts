import { OperatingError } from '#kernel';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RedisInit {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** A command without an answer for this long fails; 500 ms by default: who waits for a limit would rather do without. */
  readonly commandTimeoutMs?: number;
  /** The setting that a refusal points to; `REDIS_URL` by default. */
  readonly setting?: string;
  /** Between two attempts to connect again, 3000 ms by default. */
  readonly longestPauseMs?: number;
}

const connectTimeoutMs = 3000;
/** Who starts does not wait longer for one that takes connections and says nothing. */
const openTimeoutMs = 1000;
const firstPauseMs = 50;

/**
 * The one connection of a process. It comes back by itself, with back-off and jitter, for as long as it takes; meanwhile
 * commands fail at once instead of queueing up. What it holds is derived or may be lost: Redis is no truth here.
 */
export class RedisConnection {
  readonly #client: Redis;
  readonly #setting: string;
  #lastError: Error | undefined;
  #serverRun: string | undefined;
  #connections = 0;
  #asked: Promise<void> | undefined;

  private constructor(client: Redis, setting: string) {
    this.#client = client;
    this.#setting = setting;
    // Told by the commands that fail of it.
    client.on('error', (error: Error) => (this.#lastError = error));
    client.on('ready', () => {
      this.#lastError = undefined;
      this.#connections++;
      this.#asked = this.#askRun();
    });
    client.on('close', () => (this.#serverRun = undefined));
  }

  /** Resolves also where Redis is away, or silent; then the first connection is one of those that come back. */
  static async open({ url, commandTimeoutMs = 500, longestPauseMs = 3000, setting = 'REDIS_URL' }: RedisInit): Promise<RedisConnection> {
    const client = new Redis(url, {
      lazyConnect: true,
      connectionName: 'streams',
      connectTimeout: connectTimeoutMs,
      commandTimeout: commandTimeoutMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (failures) => Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2),
      // A replica that was the primary a moment ago: connect again, to the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    const connection = new RedisConnection(client, setting);
    const connected = client.connect().then(
      () => connection.#asked,
      () => undefined,
    );
    await Promise.race([connected, sleep(openTimeoutMs, undefined, { ref: false })]);
    return connection;
  }

  /**
   * Which run of the server the connection leads to: another one after a restart or a failover, which may have brought back
   * what was there before. Empty where the server does not say; undefined until it has.
   */
  get serverRun(): string | undefined {
    return this.#serverRun;
  }

  /** The number of the connection: another one after each time that it was lost. */
  get connection(): number {
    return this.#connections;
  }

  async #askRun(): Promise<void> {
    try {
      this.#serverRun = /^run_id:(\w+)/m.exec(await this.#client.info('server'))?.[1] ?? '';
    } catch (error) {
      // One that may not ask does without; one whose connection ended asks on the next.
      if (refusal.test((error as Error).message)) this.#serverRun = '';
    }
  }

  /** @throws OperatingError `REDIS_UNAVAILABLE` (retryable), `REDIS_REFUSED` (password, rights or a command it does not know) */
  async run<T>(command: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.#client);
    } catch (error) {
      // While there is no connection, commands fail for want of one; why there is none, its own error tells.
      throw redisError(this.#lastError ?? (error as Error), this.#setting);
    }
  }

  /** Gives the connection up for a new one: what nobody has answered on it fails now. */
  reconnect(): void {
    this.#client.disconnect(true);
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }
}

/** Answers that trying again does not change; LOADING, MASTERDOWN, READONLY, CLUSTERDOWN, OOM and BUSY pass. */
const refusal = /^(NOAUTH|WRONGPASS|NOPERM|ERR |WRONGTYPE)/;

/** Without the driver's error as its cause: that one carries the command, and with it the password. */
function redisError({ message, name, code }: Error & { readonly code?: string }, setting: string): OperatingError {
  const why = (message || code || name).replace(/\.$/, '');
  return refusal.test(why)
    ? new OperatingError(`Redis refuses us: ${why}. Check ${setting}.`, { code: 'REDIS_REFUSED', retryable: false })
    : new OperatingError(`Redis cannot be reached: ${why}.`, { code: 'REDIS_UNAVAILABLE', retryable: true });
}
