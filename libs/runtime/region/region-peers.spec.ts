import { describe, expect, test } from '@jest/globals';
import { readRegionPeers } from './region-peers.config.ts';

const peersOf = (text: string, env: Readonly<Record<string, string>> = {}) => readRegionPeers({ ...env, REGION_PEERS: text }, 'node-1');

describe('the setting REGION_PEER_BLOBS', () => {
  const blobsOf = (text: string, env: Readonly<Record<string, string>> = {}) =>
    peersOf('north=/srv/north;west=kafka://b1:9092', { ...env, REGION_PEER_BLOBS: text }).map(({ blobs }) => blobs);

  test('is needed by nobody whose peer is a data folder, or on brokers and shares our own blob store', () => {
    expect(blobsOf('')).toEqual([{ blobPath: '/srv/north/blobs', s3: undefined }, undefined]);
  });

  test('names a folder, or a bucket that is asked as our own is', () => {
    const ours = { S3_ENDPOINT: 'https://s3.here', S3_BUCKET: 'mine', S3_PREFIX: 'p', S3_REGION: 'here-1', S3_ACCESS_KEY_ID: 'k', S3_SECRET_ACCESS_KEY: 's' };
    expect(blobsOf('north=/mnt/north-blobs; west=https://s3.west:9000/theirs/a/b', ours)).toMatchObject([
      { blobPath: '/mnt/north-blobs', s3: undefined },
      {
        s3: {
          endpoint: 'https://s3.west:9000',
          bucket: 'theirs',
          prefix: 'a/b/',
          region: 'here-1',
          credentials: { accessKeyId: 'k', secretAccessKey: 's' },
        },
      },
    ]);
  });

  test('brings keys and a region of its own, and our prefix along never', () => {
    expect(blobsOf('west=http://K:s%2F1@s3.west/theirs?region=west-1', { S3_ENDPOINT: 'https://s3.here', S3_PREFIX: 'p' })[1]).toMatchObject({
      s3: { endpoint: 'http://s3.west', bucket: 'theirs', prefix: '', region: 'west-1', credentials: { accessKeyId: 'K', secretAccessKey: 's/1' } },
    });
  });

  test.each([
    ['/srv', 'has no name in its entry 1'],
    ['west=/a;west=/b', 'names west twice'],
    ['east=/a', 'names east, which REGION_PEERS does not'],
    ['west=blobs', 'names no folder and no bucket for west'],
    ['west=ftp://s3.west/theirs', 'names no folder and no bucket for west'],
    ['west=https://K:S3CRET@s3.west', 'names no folder and no bucket for west'],
    ['west=https://K:S3CRET@s3.west/A', 'names a bucket of west that cannot be used: S3_BUCKET of it is not valid'],
    ['west=https://K@s3.west/theirs', 'names a bucket of west that cannot be used: S3_SECRET_ACCESS_KEY of it is not valid'],
    ['west=https://K:%zz@s3.west/theirs', 'holds keys of west that are not percent-encoded'],
  ])('refuses %s, and tells no key', (text, why) => {
    expect(() => blobsOf(text)).toThrow(`The setting REGION_PEER_BLOBS ${why}`);
    expect(() => blobsOf(text)).not.toThrow('S3CRET');
  });
});

describe('the setting REGION_PEERS', () => {
  test('is empty by default', () => {
    expect(readRegionPeers({}, 'node-1')).toEqual([]);
  });

  test('names data folders and brokers, which are spoken to as ours are', () => {
    const peers = peersOf(' north=/srv/north ; west=kafka://b1:9092,[::1]:9093/west. ', {
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p',
    });
    expect(peers).toMatchObject([
      { name: 'north', kafka: undefined, logPath: '/srv/north/log/events.sqlite' },
      { name: 'west', kafka: { brokers: ['b1:9092', '[::1]:9093'], topicPrefix: 'west.', sasl: { mechanism: 'PLAIN', username: 'u' } } },
    ]);
  });

  test('does not hand the prefix of our own topics on', () => {
    expect(peersOf('west=kafka://b1:9092', { KAFKA_BROKERS: 'b0:9092', KAFKA_TOPIC_PREFIX: 'mine.' })).toMatchObject([
      { kafka: { brokers: ['b1:9092'], topicPrefix: '' } },
    ]);
  });

  test.each([
    ['north', 'holds "north"'],
    ['=/srv', 'holds "=/srv"'],
    ['North=/srv', 'holds "North=/srv"'],
    ['north=srv/data', 'holds "north=srv/data"'],
    ['north=redis://b:1', 'holds "north=redis://b:1"'],
    ['north=kafka://b', 'names brokers of north that are not host:port: b'],
    ['north=/a;north=/b', 'names north twice'],
  ])('refuses %s', (text, why) => {
    expect(() => peersOf(text)).toThrow(`The setting REGION_PEERS ${why}`);
  });
});
