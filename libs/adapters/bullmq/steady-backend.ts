import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresConnection, PostgresQueueBackend, type BackendFactory, type PostgresConnectionOptions } from 'bullmq';
import pg from 'pg';

/** Before a worker asks again, ms. */
const retryMs = 500;

/**
 * A connection on which an error that nobody waits for ends no process. BullMQ listens to it only a moment after it is
 * ready, and no longer once it is closing, and a server that ends may say so just then.
 */
export class SteadyClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }

  override removeAllListeners(event?: string | symbol): this {
    super.removeAllListeners(event);
    return this.on('error', () => undefined);
  }
}

/** BullMQ keeps the outcome of its first connection for good, its failure too: here the next caller tries again. */
class SteadyConnection extends PostgresConnection {
  constructor(connection: PostgresConnectionOptions) {
    super(connection);
    // Connections of the pool are an option, the one that listens for jobs is not.
    Object.assign(this, { pgModule: { ...pg, Client: SteadyClient } });
  }

  override async waitUntilReady(): Promise<void> {
    return afresh(this, () => super.waitUntilReady());
  }
}

class SteadyBackend extends PostgresQueueBackend {
  override async waitUntilReady(): Promise<void> {
    return afresh(this, () => super.waitUntilReady());
  }

  /**
   * A worker of BullMQ asks again at once after an error that it does not take for a lost connection, such as a server
   * that starts up; failing at once as well, that would leave the process no time for anything else.
   */
  override async moveToActive(...asked: Parameters<PostgresQueueBackend['moveToActive']>): ReturnType<PostgresQueueBackend['moveToActive']> {
    try {
      return await super.moveToActive(...asked);
    } catch (error) {
      await sleep(retryMs);
      throw error;
    }
  }
}

async function afresh(part: object, ready: () => Promise<void>): Promise<void> {
  try {
    await ready();
  } catch (error) {
    Object.assign(part, { readyPromise: undefined });
    throw error;
  }
}

/** BullMQ's backend on PostgreSQL, for servers that end and come back at any moment. */
export const createSteadyBackend: BackendFactory<PostgresQueueBackend, PostgresConnectionOptions> = (name, opts, { withBlockingConnection = false } = {}) =>
  // Named as BullMQ does, which finds its workers by it.
  new SteadyBackend(new SteadyConnection(opts.connection), name, opts, true, withBlockingConnection ? name : undefined);
