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
  #read = 0;
  #kept = 0;

  constructor(init: StartProgressInit) {
    this.#init = { nowMs: () => performance.now(), write: (line) => void writeSync(1, line), ...init };
    this.#beganMs = this.#toldMs = this.#loggedMs = this.#init.nowMs();
  }

  /** So many events more are read, or heads kept that were made of them. */
  moved({ read = 0, kept = 0 }: { readonly read?: number; readonly kept?: number }): void {
    this.#read += read;
    this.#kept += kept;
    const now = this.#init.nowMs();
    if (read + kept > 0 && now - this.#toldMs >= toldEveryMs) this.#tell(now);
    if (now - this.#loggedMs >= loggedEveryMs) this.#log(now);
  }

  #log(now: number): void {
    this.#loggedMs = now;
    const seconds = Math.round((now - this.#beganMs) / 1000);
    const done = { read: this.#read, kept: this.#kept, seconds };
    this.#init.logger.info(
      done,
      `not ready yet, after ${seconds} s: ${done.read} events of the log are read, ${done.kept} heads that were made of them are kept`,
    );
  }

  #tell(now: number): void {
    this.#toldMs = now;
    if (!this.#init.supervised) return;
    try {
      this.#init.write(`${JSON.stringify({ alive: true, moved: this.#read + this.#kept })}\n`);
    } catch {
      // Nobody reads, or not fast enough: it moves on again soon.
    }
  }
}
