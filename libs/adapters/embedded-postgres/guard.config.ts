import { resolve } from 'node:path';

export interface GuardConfig {
  readonly dataDir: string;
  readonly port: number | undefined;
  /** End when standard input closes, because the supervisor is gone. */
  readonly supervised: boolean;
  /** A server that has not answered for so long is frozen, ms. */
  readonly frozenAfterMs: number;
}

/** Reads the guard's settings: `STREAMS_DATA_DIR`, `POSTGRES_PORT`, `STREAMS_SUPERVISED`, `STREAMS_FROZEN_AFTER_MS`. @throws RangeError */
export function guardConfig(environment: Readonly<Record<string, string | undefined>> = process.env): GuardConfig {
  const text = environment['POSTGRES_PORT'] ?? '';
  const port = text === '' ? undefined : Number(text);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536))
    throw new RangeError(`POSTGRES_PORT must be a port number, but is "${text}".`);
  return {
    dataDir: resolve(environment['STREAMS_DATA_DIR'] ?? '.streams'),
    port,
    supervised: environment['STREAMS_SUPERVISED'] === '1',
    // Checked by the supervisor.
    frozenAfterMs: Number(environment['STREAMS_FROZEN_AFTER_MS']) || 15_000,
  };
}
