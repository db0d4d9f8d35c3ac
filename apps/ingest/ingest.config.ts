import { readInteger, readPort, readRtmpsSettings, readSharedSettings, type Environment, type RtmpsSettings, type SharedSettings } from '#runtime';
import { serverSessionLimits, type ServerSessionLimits } from '#core/rtmp';
import type { ReadMergerInit } from './session/read-merger.ts';

export interface IngestLimits {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** Connections that have not published yet. */
  readonly unpublishedMax: number;
  readonly unpublishedPerAddressMax: number;
}

export interface IngestSettings extends SharedSettings {
  readonly rtmpPort: number;
  readonly rtmpBackupPort: number;
  /** Undefined without a certificate. */
  readonly rtmps: RtmpsSettings | undefined;
  readonly relayPort: number;
  /** Address that the relay listens on: only packagers have business there. */
  readonly relayHost: string;
  /** Host in relay URLs, as packagers reach it. */
  readonly relayPublicHost: string;
  /** Bytes of the current group of pictures kept for readers that join: per session, and of all sessions together. */
  readonly gopBytesMax: number;
  readonly gopBytesTotal: number;
  /** Bytes that a reader may lag before it is cut off. */
  readonly readerBytesMax: number;
  readonly leaseTtlMs: number;
  readonly leaseRenewMs: number;
  readonly sweepMs: number;
  /** How long a publisher waits while the database is away. */
  readonly admissionMs: number;
  /** Silence after which a second publisher with the right key takes over from the first. */
  readonly takeoverSilenceMs: number;
  /** For publishers that were asked to reconnect when this node ends. */
  readonly drainMs: number;
  readonly readMerge: ReadMergerInit;
  readonly session: ServerSessionLimits;
  readonly limits: IngestLimits;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readIngestSettings(env: Environment = process.env): IngestSettings {
  const relayHost = env['RELAY_HOST'] || '127.0.0.1';
  return {
    ...readSharedSettings(env),
    rtmpPort: readPort(env, 'RTMP_PORT', 1935),
    rtmpBackupPort: readPort(env, 'RTMP_BACKUP_PORT', 1936),
    rtmps: readRtmpsSettings(env),
    relayPort: readPort(env, 'RELAY_PORT', 8082),
    relayHost,
    relayPublicHost: env['RELAY_PUBLIC_HOST'] || relayHost,
    gopBytesMax: readInteger(env, 'RELAY_GOP_BYTES_MAX', 4 * 1024 * 1024, 64 * 1024, 64 * 1024 * 1024),
    gopBytesTotal: readInteger(env, 'RELAY_GOP_BYTES_TOTAL', 24 * 1024 * 1024, 1024 * 1024, 16 * 1024 * 1024 * 1024),
    readerBytesMax: readInteger(env, 'RELAY_READER_BYTES_MAX', 8 * 1024 * 1024, 256 * 1024, 256 * 1024 * 1024),
    leaseTtlMs: 10_000,
    leaseRenewMs: 3_000,
    sweepMs: 2_000,
    admissionMs: 5_000,
    takeoverSilenceMs: 3_000,
    // On one machine there is no other node to go to.
    drainMs: readInteger(env, 'INGEST_DRAIN_MS', env['STREAMS_SUPERVISED'] === '1' ? 0 : 5_000, 0, 600_000),
    readMerge: { mergeMs: readInteger(env, 'INGEST_READ_MERGE_MS', 10, 0, 20), publishersMin: 32 },
    session: { ...serverSessionLimits, stallMs: readInteger(env, 'INGEST_STALL_MS', serverSessionLimits.stallMs, 1_000, 120_000) },
    limits: {
      connectionsMax: readInteger(env, 'INGEST_CONNECTIONS_MAX', 4096, 1, 65_536),
      connectionsPerAddressMax: readInteger(env, 'INGEST_CONNECTIONS_PER_ADDRESS_MAX', 1024, 1, 65_536),
      unpublishedMax: 512,
      unpublishedPerAddressMax: 64,
    },
  };
}
