import { beforeEach, describe, expect, test } from '@jest/globals';
import { AddressOrder } from './address-order.ts';

class Refused extends Error {}

describe('the addresses of an origin', () => {
  let nowMs: number;
  let order: AddressOrder;
  let asked: string[];
  let dead: Map<string, Error>;
  let over: boolean;

  beforeEach(() => {
    nowMs = 0;
    order = new AddressOrder(() => nowMs);
    asked = [];
    dead = new Map();
    over = false;
  });

  const ask = (addresses: readonly string[] = ['a', 'b', 'c']): Promise<string> => {
    asked = [];
    return order.ask(addresses, {
      ask: async (address) => {
        asked.push(address);
        const error = dead.get(address);
        if (error !== undefined) throw error;
        return address;
      },
      isUnasked: (error) => error instanceof Refused,
      isOver: () => over,
    });
  };

  test('one that takes no connection is passed over within the request, and asked after the others for ten seconds', async () => {
    dead.set('a', new Refused());
    // Two at once meet the same one.
    expect(await Promise.all([ask(), ask()])).toEqual(['b', 'b']);
    nowMs = 9999;
    expect([await ask(), asked]).toEqual(['b', ['b']]);
    // Name servers may turn them round meanwhile.
    expect([await ask(['c', 'a', 'b']), asked]).toEqual(['c', ['c']]);
    nowMs = 10_000;
    expect([await ask(), asked]).toEqual(['b', ['a', 'b']]);
  });

  test('when none of them takes one, the last says why; and the first is the one for which it is the longest ago', async () => {
    for (const address of ['a', 'b', 'c']) dead.set(address, new Refused(address));
    await expect(ask()).rejects.toThrow('c');
    dead.clear();
    dead.set('c', new Refused('c'));
    nowMs = 1;
    await ask(['c', 'a']);
    expect(await ask(['c', 'b'])).toBe('b');
  });

  test('what one was asked is not asked of another; the next request is', async () => {
    dead.set('a', new Error('Broken off.'));
    await expect(ask()).rejects.toThrow('Broken off.');
    expect(asked).toEqual(['a']);
    expect(await ask()).toBe('b');
  });

  test('that nobody wants the answer any more is no fault of an address', async () => {
    dead.set('a', new Refused());
    over = true;
    await expect(ask()).rejects.toThrow(Refused);
    dead.clear();
    expect([await ask(), asked]).toEqual(['a', ['a']]);
  });
});
