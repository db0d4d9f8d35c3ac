import { invalidSetting, readChoice, readPort, type Environment } from './setting-values.config.ts';

/** PEM files of a server's certificate (with its chain) and of its private key. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface RtmpsSettings extends TlsFiles {
  readonly port: number;
  readonly backupPort: number;
  /** Old hardware encoders speak nothing newer than 1.2. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** `<prefix>_CERT` and `<prefix>_KEY`; undefined when neither is set. @throws OperatingError `SETTING_INVALID` for one without the other. */
export function readTlsFiles(env: Environment, prefix: string): TlsFiles | undefined {
  const [cert, key] = [`${prefix}_CERT`, `${prefix}_KEY`];
  const [certPath, keyPath] = [env[cert] || undefined, env[key] || undefined];
  if (certPath === undefined && keyPath === undefined) return undefined;
  if (certPath === undefined) throw invalidSetting(cert, `is not set, but ${key} is: TLS needs both`, [key]);
  if (keyPath === undefined) throw invalidSetting(key, `is not set, but ${cert} is: TLS needs both`, [cert]);
  return { certPath, keyPath };
}

/** Undefined when no certificate is set: publishers then speak plain RTMP alone. @throws OperatingError `SETTING_INVALID`. */
export function readRtmpsSettings(env: Environment): RtmpsSettings | undefined {
  const minVersion = readChoice(env, 'RTMPS_TLS_MIN', ['1.3', '1.2'], '1.3') === '1.2' ? 'TLSv1.2' : 'TLSv1.3';
  const ports = { port: readPort(env, 'RTMPS_PORT', 2935), backupPort: readPort(env, 'RTMPS_BACKUP_PORT', 2936) };
  const files = readTlsFiles(env, 'RTMPS_TLS');
  return files === undefined ? undefined : { ...files, ...ports, minVersion };
}
