import { toJson, toReadable, type LogLine } from './log-line.ts';

export interface LogViewInit {
  readonly format: 'json' | 'readable';
  readonly hasColours: boolean;
  readonly write: (text: string) => void;
}

/** What of the apps' logs is shown, and how. Every line appears as JSON; on a terminal `debug` and `trace` are left out. */
export class LogView {
  readonly #init: LogViewInit;

  constructor(init: LogViewInit) {
    this.#init = init;
  }

  readonly show = (line: LogLine): void => {
    if (this.#init.format === 'json') this.#init.write(`${toJson(line)}\n`);
    else if (line.level !== 'debug' && line.level !== 'trace') this.#init.write(`${toReadable(line, this.#init.hasColours)}\n`);
  };

  /** A line of the supervisor itself. */
  say(level: string, msg: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.show({ app: 'streams', level, msg, timeMs: Date.now(), fields });
  }
}
