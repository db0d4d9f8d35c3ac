import { invalidSetting, readChoice, readFlag, readInteger, readPort, readTlsFiles, type Environment } from '#runtime';
import type { BlockList } from 'node:net';
import { resolve } from 'node:path';
import { edgeLimits } from '../edge.constants.ts';
import type { CertificateSource } from './certificate-folder.ts';
import { addressList } from './proxy-front.ts';

/** Where and how the edge listens. */
export interface ListeningSettings {
  readonly port: number;
  /** Undefined without certificates: plain HTTP alone. */
  readonly tls: TlsListening | undefined;
  /** Connections of one client address, where they can be counted: on Node, and behind the PROXY protocol. */
  readonly clientConnectionsMax: number;
  /** Balancers that may say whose connection it is; undefined when nobody may. */
  readonly balancers: BlockList | undefined;
  /** Requests of one client address that wait for an answer at once. Hits do not wait. */
  readonly clientRequestsMax: number;
}

export interface TlsListening {
  readonly port: number;
  readonly certificates: CertificateSource;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly http3: boolean;
  /** Whether plain HTTP is answered by a redirect to here. */
  readonly redirect: boolean;
  /** For how long clients shall come by HTTPS alone, s; 0 says nothing. */
  readonly hstsSeconds: number;
}

const yearsS = 2 * 365 * 24 * 3600;

function readCertificates(env: Environment): CertificateSource | undefined {
  const files = readTlsFiles(env, 'EDGE_TLS');
  const folder = env['EDGE_TLS_DIR'] || undefined;
  if (folder !== undefined && files !== undefined)
    throw invalidSetting('EDGE_TLS_DIR', 'is set, and so are EDGE_TLS_CERT and EDGE_TLS_KEY: one of the two names the certificates');
  if (folder !== undefined) return { kind: 'folder', path: resolve(folder) };
  return files === undefined ? undefined : { kind: 'pair', files };
}

function readBalancers(env: Environment): BlockList | undefined {
  const members = (env['EDGE_PROXY_PROTOCOL'] ?? '').split(',').map((member) => member.trim());
  if (members.every((member) => member === '')) return undefined;
  try {
    return addressList(members);
  } catch (error) {
    throw invalidSetting('EDGE_PROXY_PROTOCOL', `must be addresses and networks of balancers, as 10.0.0.0/8,192.0.2.1: ${(error as Error).message}`);
  }
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readListeningSettings(env: Environment): ListeningSettings {
  const certificates = readCertificates(env);
  const minVersion = readChoice(env, 'EDGE_TLS_MIN', ['1.3', '1.2'], '1.3') === '1.2' ? 'TLSv1.2' : 'TLSv1.3';
  const tls = {
    port: readPort(env, 'EDGE_TLS_PORT', 8443),
    minVersion,
    http3: readFlag(env, 'EDGE_HTTP3', true),
    redirect: readFlag(env, 'EDGE_HTTPS_REDIRECT', false),
    hstsSeconds: readInteger(env, 'EDGE_HSTS_SECONDS', 0, 0, yearsS),
  } as const;
  if (certificates === undefined && (tls.redirect || tls.hstsSeconds > 0))
    throw invalidSetting(tls.redirect ? 'EDGE_HTTPS_REDIRECT' : 'EDGE_HSTS_SECONDS', 'needs certificates: set EDGE_TLS_DIR, or EDGE_TLS_CERT and EDGE_TLS_KEY');
  return {
    port: readPort(env, 'EDGE_PORT', 8081),
    tls: certificates === undefined ? undefined : { ...tls, certificates },
    balancers: readBalancers(env),
    clientConnectionsMax: readInteger(env, 'EDGE_CLIENT_CONNECTIONS', edgeLimits.clientConnectionsMax, 1, 1_000_000),
    clientRequestsMax: readInteger(env, 'EDGE_CLIENT_REQUESTS', edgeLimits.clientRequestsMax, 1, 1_000_000),
  };
}
