import {
  invalidSetting,
  readChoice,
  readInteger,
  readPort,
  readRtmpsSettings,
  readSharedSettings,
  readUrl,
  type Environment,
  type RtmpsSettings,
  type SharedSettings,
} from '#runtime';
import { serverSessionLimits, type ServerSessionLimits } from '#core/rtmp';
import { AddressList } from '#core/network';
import { LimitBook } from '#domain/stream';
import type { HookSettings } from './permit/admission-hook.ts';
import type { TokenSettings } from './permit/token-verifier.ts';
import type { ReadMergerInit } from './session/read-merger.ts';

export interface IngestLimits {
  readonly connectionsMax: number;
  /** Of one address of IPv4, or one network of 64 bits of IPv6. */
  readonly connectionsPerAddressMax: number;
  /** Connections that have not published yet. */
  readonly unpublishedMax: number;
  readonly unpublishedPerAddressMax: number;
  /** When one of them gives way to another of the same address, ms: a publisher has published long before. */
  readonly unpublishedKeptMs: number;
}

export interface IngestSettings extends SharedSettings {
  readonly rtmpPort: number;
  readonly rtmpBackupPort: number;
  /** Undefined without a certificate. */
  readonly rtmps: RtmpsSettings | undefined;
  /** Where publishers may come from; undefined: from everywhere. */
  readonly sources: AddressList | undefined;
  readonly tenantLimits: LimitBook;
  /** Undefined: stream keys alone. */
  readonly tokens: TokenSettings | undefined;
  readonly hook: HookSettings | undefined;
  readonly relayPort: number;
  /** Address that the relay listens on: only packagers have business there. */
  readonly relayHost: string;
  /** Host in relay URLs, as packagers reach it. */
  readonly relayPublicHost: string;
  /** Bytes of the current group of pictures kept for readers that join: per session, and of all sessions together. */
  readonly gopBytesMax: number;
  readonly gopBytesTotal: number;
  /** Media that is kept for packagers that are away: of each session, ms, and of all together, bytes. */
  readonly keepMsMax: number;
  readonly keepBytesTotal: number;
  /** Bytes that a reader may lag before it is cut off. */
  readonly readerBytesMax: number;
  readonly leaseTtlMs: number;
  readonly leaseRenewMs: number;
  readonly sweepMs: number;
  /** How long a publisher waits while the database is away. */
  readonly admissionMs: number;
  /** Media silence after which a second publisher with the right key takes over from the first, at the same endpoint. */
  readonly takeoverSilenceMs: number;
  /** For publishers that were asked to reconnect when this node ends. */
  readonly drainMs: number;
  readonly readMerge: ReadMergerInit;
  readonly session: ServerSessionLimits;
  readonly limits: IngestLimits;
}

function readSources(env: Environment): AddressList | undefined {
  const text = env['INGEST_SOURCES'];
  if (!text) return undefined;
  const list = AddressList.parse(text.split(','));
  if (typeof list === 'string')
    throw invalidSetting('INGEST_SOURCES', `must be networks such as 203.0.113.0/24, separated by commas; ${JSON.stringify(list)} is none`);
  return list;
}

function readLimits(env: Environment): LimitBook {
  const book = LimitBook.parse(env['INGEST_TENANT_LIMITS'] ?? '');
  if (typeof book !== 'string') return book;
  throw invalidSetting(
    'INGEST_TENANT_LIMITS',
    `must be such as acme=streams:5,bitrate:8000000,height:1080;*=streams:100; ${JSON.stringify(book)} cannot be read`,
  );
}

function readTokens(env: Environment): TokenSettings | undefined {
  const keyFile = env['INGEST_JWT_KEY_FILE'] || undefined;
  const jwksUrl = readUrl(env, 'INGEST_JWT_JWKS_URL', ['https', 'http']);
  const rest = { issuer: env['INGEST_JWT_ISSUER'] || undefined, audience: env['INGEST_JWT_AUDIENCE'] || 'streams-publish' };
  if (keyFile !== undefined && jwksUrl !== undefined)
    throw invalidSetting('INGEST_JWT_JWKS_URL', 'is set, and INGEST_JWT_KEY_FILE is: keys come from one of the two', [
      'INGEST_JWT_JWKS_URL',
      'INGEST_JWT_KEY_FILE',
    ]);
  if (keyFile !== undefined || jwksUrl !== undefined) return { ...rest, keyFile, jwksUrl };
  const lonely = ['INGEST_JWT_ISSUER', 'INGEST_JWT_AUDIENCE'].find((name) => env[name]);
  if (lonely !== undefined) throw invalidSetting(lonely, 'is set, but neither INGEST_JWT_KEY_FILE nor INGEST_JWT_JWKS_URL is');
  return undefined;
}

function readHook(env: Environment): HookSettings | undefined {
  const url = readUrl(env, 'INGEST_ADMISSION_URL', ['https', 'http']);
  const onSilence = readChoice(env, 'INGEST_ADMISSION_ON_SILENCE', ['refuse', 'allow'], 'refuse');
  const secret = env['INGEST_ADMISSION_SECRET'] || undefined;
  if (secret !== undefined && !/^whsec_[A-Za-z0-9+/]{22,}={0,2}$/.test(secret))
    throw invalidSetting('INGEST_ADMISSION_SECRET', 'must be whsec_ and the base64 of 16 bytes or more');
  return url === undefined ? undefined : { url, onSilence, secret: secret === undefined ? undefined : Buffer.from(secret.slice(6), 'base64') };
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readIngestSettings(env: Environment = process.env): IngestSettings {
  const relayHost = env['RELAY_HOST'] || '127.0.0.1';
  return {
    ...readSharedSettings(env),
    rtmpPort: readPort(env, 'RTMP_PORT', 1935),
    rtmpBackupPort: readPort(env, 'RTMP_BACKUP_PORT', 1936),
    rtmps: readRtmpsSettings(env),
    sources: readSources(env),
    tenantLimits: readLimits(env),
    tokens: readTokens(env),
    hook: readHook(env),
    relayPort: readPort(env, 'RELAY_PORT', 8082),
    relayHost,
    relayPublicHost: env['RELAY_PUBLIC_HOST'] || relayHost,
    gopBytesMax: readInteger(env, 'RELAY_GOP_BYTES_MAX', 4 * 1024 * 1024, 64 * 1024, 64 * 1024 * 1024),
    gopBytesTotal: readInteger(env, 'RELAY_GOP_BYTES_TOTAL', 24 * 1024 * 1024, 1024 * 1024, 16 * 1024 * 1024 * 1024),
    keepMsMax: readInteger(env, 'RELAY_KEEP_SECONDS', 30, 0, 600) * 1000,
    keepBytesTotal: readInteger(env, 'RELAY_KEEP_MB', 128, 0, 65_536) * 1024 * 1024,
    readerBytesMax: readInteger(env, 'RELAY_READER_BYTES_MAX', 8 * 1024 * 1024, 256 * 1024, 256 * 1024 * 1024),
    leaseTtlMs: 10_000,
    leaseRenewMs: 3_000,
    sweepMs: 2_000,
    admissionMs: 5_000,
    takeoverSilenceMs: 800,
    // On one machine there is no other node to go to.
    drainMs: readInteger(env, 'INGEST_DRAIN_MS', env['STREAMS_SUPERVISED'] === '1' ? 0 : 5_000, 0, 600_000),
    readMerge: { mergeMs: readInteger(env, 'INGEST_READ_MERGE_MS', 36, 0, 40), publishersMin: 32 },
    session: { ...serverSessionLimits, stallMs: readInteger(env, 'INGEST_STALL_MS', serverSessionLimits.stallMs, 1_000, 120_000) },
    limits: {
      connectionsMax: readInteger(env, 'INGEST_CONNECTIONS_MAX', 4096, 1, 65_536),
      connectionsPerAddressMax: readInteger(env, 'INGEST_CONNECTIONS_PER_ADDRESS_MAX', 1024, 1, 65_536),
      unpublishedMax: 512,
      unpublishedPerAddressMax: 64,
      unpublishedKeptMs: 3_000,
    },
  };
}
