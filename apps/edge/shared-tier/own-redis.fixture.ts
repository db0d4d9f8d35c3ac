import { Redis } from 'ioredis';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from '../../../test/constellation/engines/programs.ts';
import { ServerProcess } from '../../../test/constellation/engines/server-process.ts';
import { freePort } from '../../../test/constellation/free-ports.ts';

export const password = 'of-the-shared-tier';

/** A redis-server of this test alone, that can be stopped and made to stand still. */
export class OwnRedis {
  readonly port: number;
  readonly url: string;
  client: Redis;
  /** Where it saves what it has, and finds it when it is started again. */
  readonly #folder: string;
  #server: ServerProcess;

  private constructor(port: number, folder: string, server: ServerProcess) {
    this.port = port;
    this.#folder = folder;
    this.url = `redis://:${password}@127.0.0.1:${port}`;
    this.#server = server;
    this.client = new Redis(this.url);
    this.client.on('error', () => undefined);
  }

  static async start(): Promise<OwnRedis> {
    const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'streams-redis-'))];
    return new OwnRedis(port, folder, await OwnRedis.#launch(port, folder));
  }

  static #launch(port: number, folder: string): Promise<ServerProcess> {
    const command = onPath('redis-server', 'valkey-server') ?? 'redis-server';
    const args = ['--bind', '127.0.0.1', '--port', String(port), '--requirepass', password, '--save', '', '--appendonly', 'no'];
    return ServerProcess.start({ command, args: [...args, '--dir', folder], port });
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.#server.pid, name);
  }

  async restart(): Promise<void> {
    this.#server = await OwnRedis.#launch(this.port, this.#folder);
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.#server.stop();
    await rm(this.#folder, { recursive: true });
  }

  /** All that it has. */
  async snapshot(): Promise<ReadonlyMap<string, Buffer>> {
    const all = new Map<string, Buffer>();
    for (const name of await this.client.keys('*')) all.set(name, await this.client.dumpBuffer(name));
    return all;
  }

  /** Puts its data back, in one step and in the same run: what `DEBUG RELOAD NOSAVE` does, and a machine that is set back. */
  async putBack(all: ReadonlyMap<string, Buffer>): Promise<void> {
    const step = this.client.multi().flushall();
    for (const [name, bytes] of all) step.restore(name, 600_000, bytes);
    await step.exec();
  }

  /** The objects that lie there, by their keys. */
  async objects(): Promise<Map<string, { readonly name: string; readonly bytes: Buffer }>> {
    const found = new Map<string, { readonly name: string; readonly bytes: Buffer }>();
    for (const name of await this.client.keys('streams:edge:1:*')) {
      const bytes = await this.client.getBuffer(name);
      const key = /"kind":"object","key":"([^"]+)"/.exec(bytes?.toString('latin1') ?? '')?.[1];
      if (bytes !== null && key !== undefined) found.set(key, { name, bytes });
    }
    return found;
  }
}
