import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { blobCid, blobDigest } from './blob-cid.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

describe('blob CIDs', () => {
  // `ipfs block put` and every gateway give these: the empty block, and "hello world" as a raw leaf.
  test.each([
    ['', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
    ['hello world', 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'],
  ])('of "%s"', (text, cid) => {
    expect(blobCid(sha256(text))).toBe(cid);
    expect(Buffer.from(blobDigest(cid) as Uint8Array)).toEqual(sha256(text));
  });

  test.each([
    ['nothing', ''],
    ['a path', '../../etc/passwd'],
    ['a CIDv0', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'],
    ['another codec', 'bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
    ['upper case', 'BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU'],
    ['one with bits behind its end', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv'],
    ['a character short', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk'],
  ])('%s is none', (_what, text) => {
    expect(blobDigest(text)).toBeUndefined();
  });
});
