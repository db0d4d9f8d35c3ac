import { OperatingError } from '#kernel';
import { join, resolve } from 'node:path';

/** What every app of the platform knows about where it runs. Paths are absolute. */
export interface SharedSettings {
  readonly dataDir: string;
  /** Name of this machine in events, leases and producer ids. */
  readonly node: string;
  readonly host: string;
  readonly publicHost: string;
  /** PostgreSQL; undefined when nobody said where it is. */
  readonly databaseUrl: string | undefined;
  readonly logPath: string;
  readonly blobPath: string;
  readonly postgresPath: string;
  readonly runPath: string;
  /** True when the process must end with its supervisor. */
  readonly supervised: boolean;
  readonly logFormat: 'json' | 'pretty';
  readonly logLevel: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * The settings that all apps share, from the environment (docs/ARCHITECTURE.md lists them).
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readSharedSettings(env: Environment = process.env): SharedSettings {
  const dataDir = resolve(env['STREAMS_DATA_DIR'] || '.streams');
  return {
    dataDir,
    node: readText(env, 'STREAMS_NODE', 'node-1', namePattern),
    host: env['STREAMS_HOST'] || '0.0.0.0',
    publicHost: env['STREAMS_PUBLIC_HOST'] || 'localhost',
    databaseUrl: env['DATABASE_URL'] || undefined,
    logPath: join(dataDir, 'log', 'events.sqlite'),
    blobPath: join(dataDir, 'blobs'),
    postgresPath: join(dataDir, 'postgres'),
    runPath: join(dataDir, 'run'),
    supervised: env['STREAMS_SUPERVISED'] === '1',
    logFormat: readChoice(env, 'LOG_FORMAT', ['json', 'pretty'], 'json'),
    logLevel: readChoice(env, 'LOG_LEVEL', logLevels, 'info'),
  };
}

export function invalidSetting(name: string, why: string): OperatingError {
  return new OperatingError(`The setting ${name} ${why}.`, { code: 'SETTING_INVALID', retryable: false });
}

/** A text that fits a pattern, or the default when the variable is not set. */
export function readText(env: Environment, name: string, fallback: string, pattern: RegExp): string {
  const text = env[name] || fallback;
  if (!pattern.test(text)) throw invalidSetting(name, `must match ${pattern.source}, but is ${JSON.stringify(text)}`);
  return text;
}

/** A whole number within bounds, or the default when the variable is not set. */
export function readInteger(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw invalidSetting(name, `must be a whole number from ${min} to ${max}, but is ${JSON.stringify(text)}`);
  return value;
}

/** A TCP port; 0 lets the system choose. */
export function readPort(env: Environment, name: string, fallback: number): number {
  return readInteger(env, name, fallback, 0, 65535);
}

export function readChoice<const T extends string>(env: Environment, name: string, choices: readonly T[], fallback: T): T {
  const text = env[name] || fallback;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw invalidSetting(name, `must be one of ${choices.join(', ')}, but is ${JSON.stringify(text)}`);
  return choice;
}
