import { encodeEvent, type Context, type EventEnvelope } from '#events';
import { hasCode, OperatingError, type Decider, type Decision } from '#kernel';
import { checkRecordSize, type AggregateHead, type AggregateStore } from '#ports';
import { envelop, type CatalogueDraft, type EnvelopeDeps, type EnvelopeMeta } from './envelopes.ts';
import { pause } from './pause.ts';
import { observeCommand } from './telemetry/observed/observe-command.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { activeTraceparent } from './telemetry/tracing/tracer.ts';

/** A kind of aggregate: where its events go, and its rule. The state must be plain JSON data: it is kept as the head. */
export interface Aggregate<State, Command, Draft extends CatalogueDraft> {
  readonly context: Context;
  readonly decider: Decider<State, Command, Draft>;
}

export interface CommandMeta {
  /** Who asks: `key:<id>`, `system:<app>`, `publisher:<session or stream>`. */
  readonly actor: string;
  readonly correlationId: string;
  /** Id of the event that led to this command; the correlation id when there is none. */
  readonly causationId?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
  /** Tenant of what the command makes; `default` when left out. What exists keeps its own. */
  readonly tenant?: string;
  /** True: what belongs to another tenant is to this command as if it did not exist. */
  readonly confined?: boolean;
}

export interface CommandAccepted<State> {
  readonly refused: false;
  /** The aggregate's version after the command; unchanged when there was nothing to do. */
  readonly version: bigint;
  readonly state: State;
  readonly events: readonly EventEnvelope[];
}

export interface CommandRefused<State> {
  readonly refused: true;
  readonly code: string;
  readonly message: string;
  readonly version: bigint;
  /** The state that the command met. */
  readonly state: State;
}

export type CommandResult<State> = CommandAccepted<State> | CommandRefused<State>;

export interface CommandExecutorInit extends EnvelopeDeps {
  readonly aggregates: Pick<AggregateStore, 'load' | 'commit'>;
  /** How often a command is decided anew after somebody else moved the head; 8 by default. */
  readonly conflictRetriesMax?: number;
  /** Who watches: each command is a span, and counted. */
  readonly telemetry?: Telemetry;
}

const defaultTenant = 'default';

/** Runs commands that have an invariant: load, decide, commit head and outbox in one transaction. */
export class CommandExecutor {
  readonly #init: CommandExecutorInit;
  readonly #retriesMax: number;

  constructor(init: CommandExecutorInit) {
    this.#init = init;
    this.#retriesMax = init.conflictRetriesMax ?? 8;
  }

  /**
   * Decides a command against the newest head. A refusal is a value; its facts are committed, the head stays.
   * @throws OperatingError `COMMAND_CONTENDED` (retryable) when the head moved at every attempt.
   * @throws OperatingError `RECORD_TOO_LARGE` when an event would not fit the log; nothing was committed.
   * @throws EventInvalidError when the decider built an event that its schema refuses.
   */
  async execute<State, Command, Draft extends CatalogueDraft>(
    aggregate: Aggregate<State, Command, Draft>,
    id: string,
    command: Command,
    meta: CommandMeta,
  ): Promise<CommandResult<State>> {
    const { telemetry } = this.#init;
    if (telemetry === undefined) return this.#insist(aggregate, id, command, meta);
    const { context } = aggregate;
    return observeCommand(telemetry, { context, command, traceparent: meta.traceparent }, () => this.#insist(aggregate, id, command, meta));
  }

  async #insist<State, Command, Draft extends CatalogueDraft>(
    aggregate: Aggregate<State, Command, Draft>,
    id: string,
    command: Command,
    meta: CommandMeta,
  ): Promise<CommandResult<State>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(aggregate, id, command, meta);
      } catch (error) {
        if (!hasCode(error, 'VERSION_CONFLICT')) throw error;
        if (attempt >= this.#retriesMax) {
          throw new OperatingError(`${aggregate.context}/${id} is changed by too many commands at once.`, {
            code: 'COMMAND_CONTENDED',
            retryable: true,
            cause: error,
          });
        }
        // Losers of a race come back at different times, so that one of them wins each round.
        await pause(Math.random() * 4 * (attempt + 1));
      }
    }
  }

  async #attempt<State, Command, Draft extends CatalogueDraft>(
    aggregate: Aggregate<State, Command, Draft>,
    id: string,
    command: Command,
    meta: CommandMeta,
  ): Promise<CommandResult<State>> {
    const { context, decider } = aggregate;
    const head = await this.#init.aggregates.load(context, id);
    const tenant = meta.tenant ?? defaultTenant;
    if (head !== undefined && meta.confined === true && head.tenant !== tenant) return refuseForeign(decider, command);
    const before: AggregateHead & { state: State } = {
      version: head?.version ?? 0n,
      state: head === undefined ? decider.initialState : (head.state as State),
      tenant: head?.tenant ?? tenant,
    };
    const decision: Decision<Draft> = decider.decide(command, before.state);
    const events = await this.#envelop(context, decision, before, meta);
    // Of the events as they are written, so that a head that is restored from the log is the same.
    const state = decision.refused ? before.state : events.reduce((at, { type, data }) => decider.evolve(at, { type, data } as Draft), before.state);
    // An event that the log refuses would block the outbox for everybody: it must not get there.
    for (const event of events) checkRecordSize(encodeEvent(event));
    if (events.length > 0) await this.#init.aggregates.commit({ context, id, expectedVersion: before.version, state, events });
    if (decision.refused) return { refused: true, code: decision.code, message: decision.message, version: before.version, state };
    return { refused: false, version: before.version + BigInt(events.length), state, events };
  }

  #envelop(context: Context, decision: Decision<CatalogueDraft>, { version, tenant }: AggregateHead, meta: CommandMeta): Promise<EventEnvelope[]> {
    const common: EnvelopeMeta = {
      context,
      actor: meta.actor,
      correlationId: meta.correlationId,
      causationId: meta.causationId ?? meta.correlationId,
      traceparent: activeTraceparent() ?? meta.traceparent ?? '',
      tenant,
      producerEpoch: 0n,
    };
    return Promise.all(decision.events.map((draft, at) => envelop(draft, common, decision.refused ? 0n : version + BigInt(at) + 1n, this.#init)));
  }
}

/**
 * Answers as if the aggregate were absent, and writes nothing: whoever asks must not learn that it is there. Only an id
 * that both tenants chose themselves gives it away.
 */
function refuseForeign<State, Command, Draft extends CatalogueDraft>(decider: Decider<State, Command, Draft>, command: Command): CommandRefused<State> {
  const decision = decider.decide(command, decider.initialState);
  const { code, message } = decision.refused ? decision : { code: 'id-taken', message: 'This id cannot be used.' };
  return { refused: true, code, message, version: 0n, state: decider.initialState };
}
