import { pino, type DestinationStream, type Logger } from 'pino';
import type { SharedSettings } from './settings.config.ts';
import { activeSpan } from './telemetry/tracing/tracer.ts';

export type { Logger } from 'pino';

export interface LoggerInit extends Pick<SharedSettings, 'node' | 'logFormat' | 'logLevel'> {
  /** Name of the app. */
  readonly name: string;
  readonly destination?: DestinationStream;
}

/**
 * A log of lines: JSON with `name`, `node`, `pid`, `time` (ms since the Unix epoch), `level` (a word) and `msg`, or readable
 * text. Inside a span, lines also have its `trace_id` and `span_id`.
 */
export async function createLogger(init: LoggerInit): Promise<Logger> {
  const options = {
    level: init.logLevel,
    base: { name: init.name, node: init.node, pid: process.pid },
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: traceIds,
  };
  return pino(options, init.destination ?? (await standardOutput(init.logFormat)));
}

/** A new object each time: pino writes the line's own fields into it. */
function traceIds(): object {
  const span = activeSpan();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

/** Synchronous, so that the last line before a crash is not lost. */
async function standardOutput(format: 'json' | 'pretty'): Promise<DestinationStream> {
  if (format === 'json') return pino.destination({ dest: 1, sync: true });
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: 1, sync: true, ignore: 'pid,node', translateTime: 'SYS:HH:MM:ss.l' });
}

/** What Nest logs, as lines of our log. Its chatter about modules and routes is debug. */
export class NestLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest);
  }

  #write(level: 'trace' | 'debug' | 'warn' | 'error', message: unknown, rest: readonly unknown[]): void {
    const context = rest.at(-1);
    const err = message instanceof Error ? message : rest.find((one) => one instanceof Error);
    this.#logger[level]({ context, err, stack: rest.length > 1 ? rest[0] : undefined }, message instanceof Error ? message.message : String(message));
  }
}

/** Says in the log that an engine is waited for, or, without an error, that it is back; for `openEngines`. */
export function waitingLog(logger: Logger): (message: string, err: unknown) => void {
  return (message, err) => {
    if (err === undefined) logger.info(message);
    else logger.warn({ err }, `${message}: ${err instanceof Error ? err.message : String(err)}`);
  };
}
