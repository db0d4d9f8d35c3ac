import { invalidSetting, readPort, readSharedSettings, readText, type Environment, type SharedSettings } from '#runtime';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface GatewaySettings extends SharedSettings {
  readonly port: number;
  /** Where viewers reach the platform, without a slash at the end. */
  readonly publicEdgeUrl: string;
  readonly ingestPrimaryUrl: string;
  readonly ingestBackupUrl: string;
  /** Built files of the console. */
  readonly consolePath: string;
}

const httpUrl = /^https?:\/\/[^/?#\s]+$/;

/**
 * Settings of the gateway; docs/ARCHITECTURE.md lists those that apps share.
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readGatewaySettings(env: Environment = process.env): GatewaySettings {
  const shared = readSharedSettings(env);
  if (shared.databaseUrl === undefined) throw invalidSetting('DATABASE_URL', 'is not set: the gateway needs PostgreSQL, and "npm start" brings one');
  const rtmp = (name: string, fallback: number): string => `rtmp://${shared.publicHost}:${readPort(env, name, fallback)}/live`;
  return {
    ...shared,
    port: readPort(env, 'GATEWAY_PORT', 8080),
    publicEdgeUrl: readText(env, 'EDGE_PUBLIC_URL', `http://${shared.publicHost}:${readPort(env, 'EDGE_PORT', 8081)}`, httpUrl),
    ingestPrimaryUrl: rtmp('RTMP_PORT', 1935),
    ingestBackupUrl: rtmp('RTMP_BACKUP_PORT', 1936),
    consolePath: join(fileURLToPath(new URL('.', import.meta.url)), '../../console'),
  };
}
