import { writeSync } from 'node:fs';
import type { Logger } from './logging.ts';

export interface StartProgressInit {
  readonly logger: Logger;
  /** Whether a supervisor reads what is written. */
  readonly supervised: boolean;
  readonly nowMs?: () => number;
  readonly write?: (line: string) => void;
}

const toldEveryMs = 1000;
const loggedEveryMs = 10_000;

/**
 * Tells that a start which takes its time moves on: to the supervisor, which ends one that does not, and to whoever waits for it.
 * For the supervisor it is written past the logger, whose level may leave it out.
 */
export class StartProgress {
  readonly #init: Required<StartProgressInit>;
  readonly #beganMs: number;
  #toldMs: number;
  #loggedMs: number;
  #events = 0;

  constructor(init: StartProgressInit) {
    this.#init = { nowMs: () => performance.now(), write: (line) => void writeSync(1, line), ...init };
    this.#beganMs = this.#toldMs = this.#loggedMs = this.#init.nowMs();
  }

  /** So many events more are read. */
  moved(events: number): void {
    const { logger, nowMs } = this.#init;
    this.#events += events;
    const now = nowMs();
    if (events > 0 && now - this.#toldMs >= toldEveryMs) this.#tell(now);
    if (now - this.#loggedMs < loggedEveryMs) return;
    this.#loggedMs = now;
    const seconds = Math.round((now - this.#beganMs) / 1000);
    logger.info({ events: this.#events, seconds }, `not ready yet: ${this.#events} events of the log are read, after ${seconds} s`);
  }

  #tell(now: number): void {
    this.#toldMs = now;
    if (!this.#init.supervised) return;
    try {
      this.#init.write(`${JSON.stringify({ alive: true, moved: this.#events })}\n`);
    } catch {
      // Nobody reads, or not fast enough: it moves on again soon.
    }
  }
}
