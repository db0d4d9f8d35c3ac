import { join, resolve } from 'node:path';
import { readEngineSettings, type ChosenEngines } from './engine-settings.config.ts';
import { readMasterKeySettings, type MasterKeySettings } from './master-key.config.ts';
import { readChoice, readRegionSecrets, readText, type Environment, type RegionSecretSettings } from './setting-values.config.ts';
import { readTelemetrySettings, type TelemetrySettings } from './telemetry/telemetry.config.ts';

/** What every app of the platform knows about where it runs. Paths are absolute. */
export interface SharedSettings extends ChosenEngines {
  readonly dataDir: string;
  /** Name of this machine in events, leases and producer ids. */
  readonly node: string;
  readonly host: string;
  readonly publicHost: string;
  readonly logPath: string;
  readonly blobPath: string;
  readonly postgresPath: string;
  readonly runPath: string;
  /** True when the process must end with its supervisor. */
  readonly supervised: boolean;
  readonly logFormat: 'json' | 'pretty';
  readonly logLevel: string;
  /** What encrypts the keys of personal data. */
  readonly masterKey: MasterKeySettings;
  /** Shared by regions: by these they name subjects of personal data to each other. */
  readonly regionSecrets: RegionSecretSettings;
  /** How the process is seen from outside. */
  readonly telemetry: TelemetrySettings;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * The settings that all apps share, from the environment (docs/ARCHITECTURE.md lists them).
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readSharedSettings(env: Environment = process.env): SharedSettings {
  const dataDir = resolve(env['STREAMS_DATA_DIR'] || '.streams');
  const node = readText(env, 'STREAMS_NODE', 'node-1', namePattern);
  return {
    dataDir,
    node,
    host: env['STREAMS_HOST'] || '0.0.0.0',
    publicHost: env['STREAMS_PUBLIC_HOST'] || 'localhost',
    ...readEngineSettings(env, node),
    logPath: join(dataDir, 'log', 'events.sqlite'),
    blobPath: join(dataDir, 'blobs'),
    postgresPath: join(dataDir, 'postgres'),
    runPath: join(dataDir, 'run'),
    supervised: env['STREAMS_SUPERVISED'] === '1',
    logFormat: readChoice(env, 'LOG_FORMAT', ['json', 'pretty'], 'json'),
    logLevel: readChoice(env, 'LOG_LEVEL', logLevels, 'info'),
    masterKey: readMasterKeySettings(env, dataDir),
    regionSecrets: readRegionSecrets(env),
    telemetry: readTelemetrySettings(env),
  };
}
