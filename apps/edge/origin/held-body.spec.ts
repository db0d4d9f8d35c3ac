import { beforeEach, describe, expect, test } from '@jest/globals';
import { HeldBody } from './held-body.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (read: Uint8Array | undefined): string | undefined => (read === undefined ? undefined : Buffer.from(read).toString());

describe('the body of a response, as it comes', () => {
  let told: boolean[];
  let body: HeldBody;

  beforeEach(() => {
    told = [];
    body = new HeldBody((holds) => told.push(holds));
  });

  test('is read as it came, and by who waited for it', async () => {
    body.add(bytes('one'));
    expect(textOf(await body.read())).toBe('one');
    const waited = body.read();
    body.add(bytes('two'));
    expect(textOf(await waited)).toBe('two');
    const ended = body.read();
    body.end();
    expect([await ended, await body.read(), body.isOpen]).toEqual([undefined, undefined, false]);
  });

  test('stops what comes while too much of it is held, and lets it come again when that is read', async () => {
    const piece = Buffer.alloc(200 * 1024);
    body.add(piece);
    expect(told).toEqual([]);
    body.add(piece);
    expect(told).toEqual([true]);
    await body.read();
    expect(told.at(-1)).toBe(false);
  });

  test('that breaks off is read as far as it came, then rejects', async () => {
    body.add(bytes('half'));
    body.fail(new Error('broke off'));
    expect([textOf(await body.read()), body.rest(), body.isOpen]).toEqual(['half', undefined, false]);
    await expect(body.read()).rejects.toThrow('broke off');
    const other = new HeldBody(() => undefined);
    const waited = other.read();
    other.fail(new Error('nothing came'));
    await expect(waited).rejects.toThrow('nothing came');
  });

  test('that is whole is had at once', () => {
    for (const text of ['a', 'b']) body.add(bytes(text));
    expect(body.rest()).toBeUndefined();
    body.end();
    expect([textOf(body.rest()), body.rest()?.length]).toEqual(['ab', 0]);
  });
});
