import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { readFlag, readInteger, readPort, readSharedSettings, type Environment, type SharedSettings } from '#runtime';

export interface Ports {
  readonly gateway: number;
  readonly grpc: number;
  readonly edge: number;
  readonly rtmp: number;
  readonly rtmpBackup: number;
  readonly relay: number;
}

export interface StreamsSettings extends SharedSettings {
  /** The checkout. */
  readonly root: string;
  readonly ports: Ports;
  /** Of the first app that is watched, the others follow; 0 lets the system choose for each. */
  readonly metricsPort: number;
  /** Set when the log format was asked for; otherwise a terminal decides. */
  readonly logFormatAsked: 'json' | 'pretty' | undefined;
  readonly ffmpegPath: string;
  /** An app that has said nothing for so long is frozen, ms. */
  readonly frozenAfterMs: number;
  readonly cores: number;
  /** Whether the steering service runs, too. */
  readonly steering: boolean;
  /** What the apps inherit. */
  readonly environment: Environment;
}

/** The variable that moves each port. */
export const portVariables: Readonly<Record<keyof Ports, string>> = {
  gateway: 'GATEWAY_PORT',
  grpc: 'GRPC_PORT',
  edge: 'EDGE_PORT',
  rtmp: 'RTMP_PORT',
  rtmpBackup: 'RTMP_BACKUP_PORT',
  relay: 'RELAY_PORT',
};

/** This file runs as dist/apps/streams/streams.config.js. */
export const root = resolve(import.meta.dirname, '../../..');

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readStreamsSettings(env: Environment = process.env): StreamsSettings {
  const shared = readSharedSettings({ ...env, STREAMS_DATA_DIR: env['STREAMS_DATA_DIR'] || join(root, '.streams') });
  return {
    ...shared,
    root,
    ports: {
      gateway: readPort(env, 'GATEWAY_PORT', 8080),
      grpc: readPort(env, 'GRPC_PORT', 8083),
      edge: readPort(env, 'EDGE_PORT', 8081),
      rtmp: readPort(env, 'RTMP_PORT', 1935),
      rtmpBackup: readPort(env, 'RTMP_BACKUP_PORT', 1936),
      relay: readPort(env, 'RELAY_PORT', 8082),
    },
    metricsPort: readInteger(env, 'METRICS_PORT', 9460, 0, 65_500),
    logFormatAsked: env['LOG_FORMAT'] ? shared.logFormat : undefined,
    ffmpegPath: env['FFMPEG_PATH'] || 'ffmpeg',
    frozenAfterMs: readInteger(env, 'STREAMS_FROZEN_AFTER_MS', 15_000, 1000, 600_000),
    cores: availableParallelism(),
    steering: readFlag(env, 'STEERING', false),
    environment: env,
  };
}

export interface ClientSettings {
  readonly url: string | undefined;
  readonly key: string | undefined;
}

/** Where the command line finds the gateway, and who it is there. */
export function readClientSettings(env: Environment = process.env): ClientSettings {
  return { url: env['STREAMS_URL'] || undefined, key: env['STREAMS_KEY'] || undefined };
}
