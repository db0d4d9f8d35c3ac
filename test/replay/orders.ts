import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { replayAggregate, type KnownReplay, type ReplayCommand, type ReplayOrder } from '#domain/operation';
import { CommandExecutor } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world.ts';

/** Orders replays and sees what becomes of them. */
export class Orders {
  readonly #world: World;
  readonly commands: CommandExecutor;

  constructor(world: World) {
    this.#world = world;
    this.commands = new CommandExecutor({ aggregates: world.aggregates, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/test/1' });
  }

  async request(replayId: string, order: Partial<ReplayOrder> = {}): Promise<void> {
    const whole = { projection: 'streams', mode: 'rebuild', fromMs: null, untilMs: null, partitions: null, promote: false, reason: '' } as const;
    await this.tell(replayId, { type: 'RequestReplay', replayId, ...whole, ...order });
  }

  async tell(id: string, command: ReplayCommand): Promise<void> {
    const result = await this.commands.execute(replayAggregate, id, command, { actor: 'key:test', correlationId: id });
    if (result.refused) throw new Error(result.message);
  }

  async until(id: string, ...statuses: readonly string[]): Promise<KnownReplay> {
    for (let waited = 0; ; waited += 20) {
      const state = (await this.#world.aggregates.load('operation', id))?.state as KnownReplay | undefined;
      if (state !== undefined && statuses.includes(state.status)) return state;
      if (state?.status === 'failed' || waited > 25_000) throw new Error(`${id} is ${state?.status}, not ${statuses.join()}: ${JSON.stringify(state)}`);
      await sleep(20);
    }
  }
}
