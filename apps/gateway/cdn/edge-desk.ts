import { isUsable, keyAggregate, keyStateOf, type Principal } from '#domain/access';
import { edgeAggregate, standingAggregate, standingAggregateId, type EdgeCapabilities, type EdgeStanding, type StandingState } from '#domain/edge';
import type { AggregateStore, Clock } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, conflict, notFound } from '../http/problem.errors.ts';
import type { EdgeReader } from './edge-reader.ts';

export interface EdgeDeskDeps {
  readonly commands: CommandExecutor;
  readonly aggregates: AggregateStore;
  readonly reader: EdgeReader;
  readonly clock: Clock;
}

export interface Admission {
  readonly standing: EdgeStanding;
  readonly keyId: string | null;
}

/** An admin announces edges; a key with the scope `edge` is an edge's own. */
const isEdge = ({ kind, scopes }: Principal): boolean => kind === 'key' && scopes.includes('edge') && !scopes.includes('admin');

/** Who is an edge of ours, and what operators do about it. */
export class EdgeDesk {
  readonly #deps: EdgeDeskDeps;

  constructor(deps: EdgeDeskDeps) {
    this.#deps = deps;
  }

  /** @throws ProblemError 400 for what is no edge, 409 for one that was removed or has another key */
  async register(edge: EdgeCapabilities & { readonly anew: boolean }, principal: Principal, meta: CommandMeta): Promise<Admission> {
    const { commands } = this.#deps;
    const { edgeId, node } = edge;
    const registration = { type: 'RegisterEdge' as const, ...edge };
    const unusable = edgeAggregate.decider.decide(registration, edgeAggregate.decider.initialState);
    if (unusable.refused) throw badRequest(unusable.code, `body.${unusable.message}`);
    const ofNode = await this.#standing(node);
    if (ofNode.standing === 'removed') throw conflict('edge-removed', `The edge ${node} was removed. An operator can resume it.`);
    const admitted = isEdge(principal) ? await this.#admit(edgeId, principal.id, meta) : await this.#standing(edgeId);
    await commands.execute(edgeAggregate, edgeId, registration, meta);
    const standing = admitted.standing === 'serving' ? ofNode.standing : admitted.standing;
    return { standing, keyId: admitted.keyId };
  }

  /** @throws ProblemError 404, 409 */
  async decide(type: 'DrainEdge' | 'ResumeEdge' | 'RemoveEdge', edgeId: string, reason: string, meta: CommandMeta): Promise<EdgeStanding> {
    const { aggregates, commands, reader } = this.#deps;
    const isKnown = (await reader.knows(edgeId)) || (await aggregates.load(edgeAggregate.context, edgeId)) !== undefined;
    const result = await commands.execute(standingAggregate, standingAggregateId(edgeId), { type, edgeId, reason, isKnown }, meta);
    if (!result.refused) return result.state.standing;
    if (result.code === 'unknown-edge') throw notFound(result.code, result.message);
    if (result.code === 'edge-removed') throw conflict(result.code, result.message);
    throw badRequest(result.code, `body.${result.message}`);
  }

  async #admit(edgeId: string, keyId: string, meta: CommandMeta): Promise<StandingState> {
    const { keyId: bound } = await this.#standing(edgeId);
    const boundTo = bound !== null && (await this.#works(bound)) ? bound : undefined;
    const result = await this.#deps.commands.execute(standingAggregate, standingAggregateId(edgeId), { type: 'AdmitEdge', edgeId, keyId, boundTo }, meta);
    if (result.refused) throw conflict(result.code, result.message);
    return result.state;
  }

  async #standing(edgeId: string): Promise<StandingState> {
    const head = await this.#deps.aggregates.load(standingAggregate.context, standingAggregateId(edgeId));
    return (head?.state as StandingState | undefined) ?? standingAggregate.decider.initialState;
  }

  async #works(keyId: string): Promise<boolean> {
    const head = await this.#deps.aggregates.load(keyAggregate.context, keyId);
    return head !== undefined && isUsable(keyStateOf(head.state), this.#deps.clock.now());
  }
}
