import { refusalAggregate } from '#domain/access';
import type { Clock, IdSource } from '#ports';
import type { CommandExecutor, Logger } from '#runtime';
import { refusalWindowMs, RefusalLedger, type CountedRefusals, type Refusal } from './refusal-ledger.core.ts';

export interface RefusalRecorderDeps {
  readonly commands: CommandExecutor;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

/** Events on their way to the database at once; what comes when it is slower than that is lost, the answer never. */
const waitingMax = 256;

/** Puts refusals on record as `access.refused`, as far as the ledger tells them. */
export class RefusalRecorder {
  readonly #deps: RefusalRecorderDeps;
  readonly #ledger = new RefusalLedger();
  readonly #waiting = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: RefusalRecorderDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#write(this.#ledger.due(deps.clock.now())), refusalWindowMs / 6).unref();
  }

  record(refusal: Refusal): void {
    this.#write(this.#ledger.note(refusal, this.#deps.clock.now()));
  }

  /** Resolves when what was counted is written, or given up. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#write(this.#ledger.close());
    await Promise.all(this.#waiting);
  }

  #write(counted: readonly CountedRefusals[]): void {
    for (const one of counted) {
      if (this.#waiting.size >= waitingMax) return;
      const writing: Promise<void> = this.#execute(one).finally(() => this.#waiting.delete(writing));
      this.#waiting.add(writing);
    }
  }

  async #execute({ tenant, ...refusals }: CountedRefusals): Promise<void> {
    const { commands, ids, logger } = this.#deps;
    try {
      const meta = { actor: refusals.who, correlationId: ids.next(), tenant };
      await commands.execute(refusalAggregate, `refusals/${refusals.address || 'many'}`, refusals, meta);
    } catch (err) {
      logger.warn({ err }, 'a refusal could not be recorded');
    }
  }
}
