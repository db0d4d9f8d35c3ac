import { describe, expect, test } from '@jest/globals';
import { readRegionPeers } from './region-peers.config.ts';

const peersOf = (text: string, env: Readonly<Record<string, string>> = {}) => readRegionPeers({ ...env, REGION_PEERS: text }, 'node-1');

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
