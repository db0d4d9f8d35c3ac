import { defaultTenant } from '#domain/access';
import { purgePolicyAggregate, type PurgePolicyState } from '#domain/edge';
import { AggregateStore } from '#ports';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest } from '../http/problem.errors.ts';
import { setPurgePolicy, showPurgePolicy } from './purge-policy.contract.ts';

const idOf = (tenant: string): string => `purge-policy:${tenant}`;

function view(state: PurgePolicyState | undefined): object {
  return { policy: state?.status === 'set' ? (state.policy ?? 'default') : 'default' };
}

/** What edges do in doubt with a tenant's objects; read from its head, so that who said it sees it at once. */
@Controller()
export class PurgePolicyController {
  readonly #commands: CommandExecutor;
  readonly #aggregates: AggregateStore;

  constructor(commands: CommandExecutor, aggregates: AggregateStore) {
    this.#commands = commands;
    this.#aggregates = aggregates;
  }

  @Route(showPurgePolicy)
  async show(@ByCaller() { tenant = defaultTenant }: Caller): Promise<object> {
    return view((await this.#aggregates.load(purgePolicyAggregate.context, idOf(tenant)))?.state as PurgePolicyState | undefined);
  }

  @Route(setPurgePolicy)
  async set(@Input(setPurgePolicy) { body }: InputOf<typeof setPurgePolicy>, @ByCaller() caller: Caller): Promise<object> {
    const { tenant = defaultTenant } = caller;
    const policy = body.policy === 'default' ? null : body.policy;
    const command = { type: 'SetPurgePolicy', owner: tenant, policy, reason: body.reason } as const;
    const result = await this.#commands.execute(purgePolicyAggregate, idOf(tenant), command, caller);
    if (result.refused) throw badRequest(result.code, `body.${result.message}`);
    return view(result.state);
  }
}
