import { isAbsolute, join } from 'node:path';
import { readKafkaSettings, type KafkaSettings } from '../kafka.config.ts';
import { InvalidSetting, invalidSetting, type Environment } from '../setting-values.config.ts';
import { readPeerBlobs, type PeerBlobs } from './peer-blobs.config.ts';

/** Another region, whose own events are copied into this one's log. */
export interface RegionPeer {
  /** Copies carry it for ever: it must not change. */
  readonly name: string;
  /** Where its log is: on brokers … */
  readonly kafka: KafkaSettings | undefined;
  /** … or in this file. */
  readonly logPath: string;
  /** Where the sealed past of its log is; undefined: in the blob store that is also ours. */
  readonly blobs: PeerBlobs | undefined;
}

const entryPattern = /^([a-z0-9][a-z0-9-]{0,62})=(.+)$/;
const kafkaPattern = /^kafka:\/\/([^/]+)(?:\/([A-Za-z0-9._-]{0,100}))?$/;

/**
 * `REGION_PEERS`: regions that are mirrored into this one, separated by semicolons. How brokers are spoken to (SASL, TLS) is
 * set once for all of them, by the `KAFKA_…` variables.
 * @throws OperatingError `SETTING_INVALID` naming the variable and what is wrong in it.
 */
export function readRegionPeers(env: Environment, node: string): readonly RegionPeer[] {
  const entries = (env['REGION_PEERS'] ?? '').split(';').map((entry) => entry.trim());
  const blobs = readPeerBlobs(env);
  const peers = entries.filter((entry) => entry !== '').map((entry) => peerOf(entry, env, node));
  const doubled = peers.find(({ name }, at) => peers.findIndex((other) => other.name === name) < at);
  if (doubled !== undefined) throw invalidSetting('REGION_PEERS', `names ${doubled.name} twice`);
  const stranger = [...blobs.keys()].find((name) => !peers.some((peer) => peer.name === name));
  if (stranger !== undefined) throw invalidSetting('REGION_PEER_BLOBS', `names ${stranger}, which REGION_PEERS does not`);
  return peers.map((peer) => ({ ...peer, blobs: blobs.get(peer.name) ?? peer.blobs }));
}

function peerOf(entry: string, env: Environment, node: string): RegionPeer {
  const [, name = '', place = ''] = entryPattern.exec(entry) ?? [];
  if (isAbsolute(place))
    return { name, kafka: undefined, logPath: join(place, 'log', 'events.sqlite'), blobs: { blobPath: join(place, 'blobs'), s3: undefined } };
  const [, brokers, topicPrefix = ''] = kafkaPattern.exec(place) ?? [];
  if (brokers === undefined)
    throw invalidSetting('REGION_PEERS', `holds ${JSON.stringify(entry)}; a peer is NAME=/data/folder or NAME=kafka://host:port,host:port/TOPIC-PREFIX`);
  try {
    return { name, kafka: readKafkaSettings({ ...env, KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: topicPrefix }, node), logPath: '', blobs: undefined };
  } catch (error) {
    if (error instanceof InvalidSetting && error.setting === 'KAFKA_BROKERS')
      throw invalidSetting('REGION_PEERS', `names brokers of ${name} that are not host:port: ${brokers}`);
    throw error;
  }
}
