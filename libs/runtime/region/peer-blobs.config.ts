import { isAbsolute } from 'node:path';
import { readS3Settings, type S3Settings } from '../engine-settings.config.ts';
import { InvalidSetting, invalidSetting, type Environment } from '../setting-values.config.ts';

/** Where another region keeps the sealed past of its log: in a bucket, or in a folder. */
export interface PeerBlobs {
  readonly s3: S3Settings | undefined;
  readonly blobPath: string;
}

const entryPattern = /^([a-z0-9][a-z0-9-]{0,62})=(.+)$/;
const syntax = 'NAME=/folder or NAME=https://[KEY:SECRET@]host[:port]/BUCKET[/PREFIX][?region=REGION]';

/**
 * `REGION_PEER_BLOBS`: the blob stores of `REGION_PEERS` by name, separated by semicolons. What an entry of a bucket leaves
 * out (keys, region, path style) is as our own `S3_…` settings say.
 * @throws OperatingError `SETTING_INVALID`; no entry is in its message, because keys may be in it.
 */
export function readPeerBlobs(env: Environment): ReadonlyMap<string, PeerBlobs> {
  const blobs = new Map<string, PeerBlobs>();
  const entries = (env['REGION_PEER_BLOBS'] ?? '').split(';').map((entry) => entry.trim());
  for (const [at, entry] of entries.entries()) {
    if (entry === '') continue;
    const [, name, place = ''] = entryPattern.exec(entry) ?? [];
    if (name === undefined) throw invalidSetting('REGION_PEER_BLOBS', `has no name in its entry ${at + 1}; an entry is ${syntax}`);
    if (blobs.has(name)) throw invalidSetting('REGION_PEER_BLOBS', `names ${name} twice`);
    blobs.set(name, isAbsolute(place) ? { s3: undefined, blobPath: place } : { s3: bucketOf(name, place, env), blobPath: '' });
  }
  return blobs;
}

function bucketOf(name: string, place: string, env: Environment): S3Settings | undefined {
  const url = URL.canParse(place) ? new URL(place) : undefined;
  const [bucket, ...prefix] = (url?.pathname ?? '').split('/').filter((part) => part !== '');
  if (url === undefined || !/^https?:$/.test(url.protocol) || bucket === undefined)
    throw invalidSetting('REGION_PEER_BLOBS', `names no folder and no bucket for ${name}; an entry is ${syntax}`);
  const keys = url.username === '' ? {} : { S3_ACCESS_KEY_ID: decoded(name, url.username), S3_SECRET_ACCESS_KEY: decoded(name, url.password) };
  const region = url.searchParams.get('region');
  const theirs = { S3_ENDPOINT: url.origin, S3_BUCKET: bucket, S3_PREFIX: `${prefix.join('/')}/`, ...(region === null ? {} : { S3_REGION: region }), ...keys };
  try {
    return readS3Settings({ ...env, ...theirs });
  } catch (error) {
    if (!(error instanceof InvalidSetting)) throw error;
    throw invalidSetting('REGION_PEER_BLOBS', `names a bucket of ${name} that cannot be used: ${error.setting} of it is not valid`);
  }
}

function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidSetting('REGION_PEER_BLOBS', `holds keys of ${name} that are not percent-encoded`);
  }
}
