import { everyTenant, isTenantId } from '#domain/access';
import { defaultDvrWindowMs, dvrWindowMsMax, dvrWindowMsMin } from '#domain/stream';
import {
  invalidSetting,
  missingSetting,
  readEdgeKeysRequired,
  readEdgeSecret,
  readFlag,
  readInteger,
  readLedgerSettings,
  readPort,
  readRegionPeers,
  readSharedSettings,
  readRtmpsSettings,
  readText,
  readTlsFiles,
  type Environment,
  type SharedSettings,
  readOwnHosts,
} from '#runtime';
import type { IngestUrls } from './public-urls.ts';
import { readJwtSettings, type JwtSettings } from './access/jwt.config.ts';
import { readSandboxSettings, type SandboxSettings } from './sandboxes/sandbox.config.ts';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface GatewaySettings extends SharedSettings {
  readonly port: number;
  readonly grpcPort: number;
  /** PEM files of the gRPC server; plain text without them. */
  readonly grpcTls: { readonly certPath: string; readonly keyPath: string } | undefined;
  /** Where viewers reach the platform, without a slash at the end. */
  readonly publicEdgeUrl: string;
  /** Where publishers send; the encrypted ones are null without a certificate. */
  readonly ingest: IngestUrls;
  /** Whose JSON Web Tokens are accepted; nobody's when left out. */
  readonly jwt: JwtSettings | undefined;
  /** Shared with the edges: whose word for a client's address counts. */
  readonly edgeSecret: string | undefined;
  /** An edge that has shown no key is none of ours. */
  readonly edgeKeysRequired: boolean;
  /** Origins of pages that may call the API; none but its own when left out. */
  readonly corsOrigins: readonly string[] | '*' | undefined;
  /** PEM file that the ledger's keys come from; undefined when they are among the secrets of the platform. */
  readonly ledgerKeyFile: string | undefined;
  readonly sandboxes: SandboxSettings;
  /** How far back viewers can go in a live stream that was created without saying. */
  readonly dvrWindowMs: number;
  /** Tenants whose streams carry their source as a rendition when they are created without a ladder; `*` for all. */
  readonly passThroughTenants: ReadonlySet<string>;
  /** Other regions are mirrored into this one. */
  readonly hasRegions: boolean;
  /** Webhooks may lead to private networks, and to this machine. */
  readonly webhookPrivateAddresses: boolean;
  /** At which the platform itself is reached: no zone's. */
  readonly ownHosts: readonly string[];
  /** Origins of zones may be at private, loopback and other special addresses. */
  readonly originPrivateAddresses: boolean;
  /** Built files of the console. */
  readonly consolePath: string;
}

const httpUrl = /^https?:\/\/[^/?#\s]+$/;

const originList = /^(\*|https?:\/\/[^/?#\s,]+(,https?:\/\/[^/?#\s,]+)*)$/;

function readCorsOrigins(env: Environment): GatewaySettings['corsOrigins'] {
  if (!env['CORS_ORIGINS']) return undefined;
  const text = readText(env, 'CORS_ORIGINS', '', originList);
  return text === '*' ? '*' : text.split(',');
}

function readIngestUrls(env: Environment, host: string): IngestUrls {
  const rtmps = readRtmpsSettings(env);
  const secure = (port: number | undefined): string | null => (port === undefined ? null : `rtmps://${host}:${port}/live`);
  return {
    primary: `rtmp://${host}:${readPort(env, 'RTMP_PORT', 1935)}/live`,
    backup: `rtmp://${host}:${readPort(env, 'RTMP_BACKUP_PORT', 1936)}/live`,
    securePrimary: secure(rtmps?.port),
    secureBackup: secure(rtmps?.backupPort),
  };
}

function readPassThroughTenants(env: Environment): ReadonlySet<string> {
  const tenants = (env['PASS_THROUGH_TENANTS'] ?? '').split(',').filter((one) => one !== '');
  const wrong = tenants.find((one) => one !== everyTenant && !isTenantId(one));
  if (wrong !== undefined) throw invalidSetting('PASS_THROUGH_TENANTS', `must be tenants separated by commas, or *; ${JSON.stringify(wrong)} is none`);
  return new Set(tenants);
}

/**
 * Settings of the gateway; docs/ARCHITECTURE.md lists those that apps share.
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readGatewaySettings(env: Environment = process.env): GatewaySettings {
  const shared = readSharedSettings(env);
  if (shared.databaseUrl === undefined)
    throw missingSetting('DATABASE_URL', 'is not set: the gateway needs PostgreSQL, and "npm start" brings one', 'postgresql://127.0.0.1/streams');
  return {
    ...shared,
    port: readPort(env, 'GATEWAY_PORT', 8080),
    grpcPort: readPort(env, 'GRPC_PORT', 8083),
    grpcTls: readTlsFiles(env, 'GRPC_TLS'),
    publicEdgeUrl: readText(env, 'EDGE_PUBLIC_URL', `http://${shared.publicHost}:${readPort(env, 'EDGE_PORT', 8081)}`, httpUrl),
    ingest: readIngestUrls(env, shared.publicHost),
    edgeSecret: readEdgeSecret(env),
    edgeKeysRequired: readEdgeKeysRequired(env),
    corsOrigins: readCorsOrigins(env),
    jwt: readJwtSettings(env),
    ledgerKeyFile: readLedgerSettings(env).keyFile,
    sandboxes: readSandboxSettings(env),
    dvrWindowMs: readInteger(env, 'DVR_WINDOW_SECONDS', defaultDvrWindowMs / 1000, dvrWindowMsMin / 1000, dvrWindowMsMax / 1000) * 1000,
    passThroughTenants: readPassThroughTenants(env),
    hasRegions: readRegionPeers(env, shared.node).length > 0,
    webhookPrivateAddresses: readFlag(env, 'WEBHOOK_PRIVATE_ADDRESSES', false),
    ownHosts: readOwnHosts(env),
    originPrivateAddresses: readFlag(env, 'ORIGIN_PRIVATE_ADDRESSES', false),
    consolePath: join(fileURLToPath(new URL('.', import.meta.url)), '../../console'),
  };
}
