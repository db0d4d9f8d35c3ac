import { effectRetryAggregate, reactorAggregate, type ReactorState } from '#domain/operation';
import { EffectStore, EventLog, type ReactorPosition } from '#ports';
import { CommandExecutor, reactorBehindNote } from '#runtime';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound } from '../http/problem.errors.ts';
import { effectPage } from './effect-pages.ts';
import { listEffects, listReactors, resetReactor, retryEffect } from './effects.contract.ts';

interface ReactorLag {
  readonly lagEvents: number;
  readonly trouble: { readonly code: string; readonly message: string } | null;
}

/** What followed from events: the ledger of effects, and how far reactors have read. */
@Controller()
export class EffectsController {
  readonly #effects: EffectStore;
  readonly #commands: CommandExecutor;
  readonly #log: EventLog;

  constructor(effects: EffectStore, commands: CommandExecutor, log: EventLog) {
    this.#effects = effects;
    this.#commands = commands;
    this.#log = log;
  }

  @Route(listEffects)
  async list(@Input(listEffects) { query }: InputOf<typeof listEffects>): Promise<object> {
    const { kind, state, limit, cursor } = query;
    const wanted = { ...(kind === undefined ? {} : { kind }), ...(state === undefined ? {} : { states: [state] }), limit };
    return effectPage(this.#effects, wanted, cursor, ({ reactor, kind: of, lane, tenant }) => ({ reactor, kind: of, lane, tenant }));
  }

  @Route(retryEffect)
  async retry(@Input(retryEffect) { params, body }: InputOf<typeof retryEffect>, @ByCaller() caller: Caller): Promise<object> {
    const effect = await this.#effects.show(params.id);
    if (effect === undefined) throw notFound('unknown-effect', `There is no effect ${params.id}.`);
    const command = { type: 'RequestEffectRetry', effectKey: params.id, reason: body.reason } as const;
    await this.#commands.execute(effectRetryAggregate, params.id, command, { ...caller, tenant: effect.tenant });
    return { id: params.id };
  }

  @Route(listReactors)
  async reactors(): Promise<object> {
    const positions = await this.#effects.positions();
    const names = [...new Set(positions.map(({ reactor }) => reactor))];
    const items = await Promise.all(
      names.map(async (name) => {
        const mine = positions.filter(({ reactor }) => reactor === name);
        const most = (of: (place: ReactorPosition) => number): number => Math.max(...mine.map(of));
        const contexts = [...new Set(mine.map(({ topic }) => topic))];
        const about = { name, version: most(({ version }) => version), contexts, ...(await this.#lagOf(name, mine)) };
        return { ...about, movedAt: isoTime(most(({ movedAtMs }) => movedAtMs)), resets: most(({ reset }) => reset) };
      }),
    );
    const backlog = (await this.#effects.backlog()).map(({ kind, pending, oldestMs }) => ({ kind, pending, oldestAt: isoTime(oldestMs) }));
    return { items, backlog };
  }

  @Route(resetReactor)
  async reset(@Input(resetReactor) { params, body }: InputOf<typeof resetReactor>, @ByCaller() caller: Caller): Promise<object> {
    const { name } = params;
    if ((await this.#effects.positions(name)).length === 0) throw notFound('unknown-reactor', `There is no reactor ${name}.`);
    const from = body.from === 'beginning' || body.from === 'end' ? body.from : Date.parse(body.from);
    const result = await this.#commands.execute(reactorAggregate, name, { type: 'ResetReactor', reactor: name, from, reason: body.reason }, caller);
    return { name, number: (result.state as ReactorState).number };
  }

  async #lagOf(reactor: string, places: readonly ReactorPosition[]): Promise<ReactorLag> {
    let [lag, trouble]: [bigint, ReactorLag['trouble']] = [0n, null];
    for (const topic of new Set(places.map((place) => place.topic))) {
      const heads = new Map((await this.#log.heads(topic)).map((head) => [head.partition, head]));
      for (const { partition, position } of places.filter((place) => place.topic === topic)) {
        const { low, high } = heads.get(partition) ?? { low: 0n, high: 0n };
        if (high > position) lag += high - position;
        if (position < low) trouble ??= { code: 'position-truncated', message: reactorBehindNote({ reactor, topic, partition, position, low }) };
      }
    }
    return { lagEvents: Number(lag), trouble };
  }
}
