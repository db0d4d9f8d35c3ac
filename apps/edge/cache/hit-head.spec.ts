import { describe, expect, test } from '@jest/globals';
import type { StoredResponse } from '#core/http-cache';
import { MadeOfHeads } from '../server/exchange.ts';
import { headLogOf } from '../traffic/head-log.ts';
import { HitHead } from './hit-head.ts';

const freshness = {
  ...{ bornAtMs: 10_000, validatedAtMs: 10_000, freshUntilMs: 12_500 },
  ...{ staleWhileRevalidateUntilMs: 12_500, staleIfErrorUntilMs: 60_000, mayBeStale: true },
};
const response: StoredResponse = {
  status: 200,
  fields: [['content-type', 'video/mp4'], ['cache-tag', 'a'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2']], // prettier-ignore
  ...{ validators: { etag: undefined, lastModified: undefined }, freshness, variant: { names: [], values: [] } },
};
const shown = { response, body: { size: 5, slice: () => shown.body } };

function at(head: HitHead, nowMs: number): HitHead {
  head.go(shown, nowMs, 'edge-1');
  return head;
}

describe('the head of hits', () => {
  test('says in each second how old the object is and how long it is good for, and all else as it is stored', () => {
    const head = new HitHead();
    const still = [['content-type', 'video/mp4'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['accept-ranges', 'bytes']]; // prettier-ignore
    expect(at(head, 10_100)).toMatchObject({ status: 200, second: 10 });
    expect(head.fields).toEqual([...still, ['age', '0'], ['cache-status', 'edge-1; hit; ttl=2']]);
    expect(at(head, 11_999).second).toBe(11);
    expect(head.fields).toEqual([...still, ['age', '1'], ['cache-status', 'edge-1; hit; ttl=0']]);
    expect(head.moving()).toEqual(head.fields.slice(-2));
  });

  test('is another answer to the log when the object is stale', () => {
    const head = at(new HitHead(), 12_000);
    const fresh = headLogOf(head);
    expect(headLogOf(at(head, 12_400))).toBe(fresh);
    const stale = headLogOf(at(head, 15_000));
    expect(stale.outcome).not.toBe(fresh.outcome);
    expect(stale).toMatchObject({ statusClass: fresh.statusClass, contentType: 'video/mp4' });
  });

  test('what is made of it is made again in another second, and once in each', () => {
    const head = new HitHead();
    const made = new MadeOfHeads(({ fields }) => ({ age: fields.find(([name]) => name === 'age')?.[1] }));
    const first = made.of(at(head, 10_000));
    expect([made.of(at(head, 10_900)), made.of(at(head, 13_000)).age]).toEqual([first, '3']);
    expect(made.of(at(head, 10_900))).toEqual(first);
  });
});
