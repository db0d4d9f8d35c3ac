import { describe, expect, test } from '@jest/globals';
import type { ByteSource } from '../server/exchange.ts';
import { Cancelling } from './cancelling.ts';
import { Http1Client, NotConnected } from './http1-client.ts';
import { UnsentBody } from './unsent-body.ts';

function source(): ByteSource & { cancelled: boolean } {
  const pieces = [Buffer.from('body')];
  return {
    cancelled: false,
    async read() {
      return this.cancelled ? undefined : pieces.shift();
    },
    cancel() {
      this.cancelled = true;
    },
  };
}

describe('a body of which nothing was sent', () => {
  test('is whole after a connection that was none', async () => {
    const refusing = new Http1Client(
      { target: { hostname: 'a', port: 80, tls: undefined }, host: 'a', connectTimeoutMs: 3000, connectionsMax: 1024 },
      { open: () => Promise.reject(new Error('Refused.')), now: () => 0 },
    );
    const own = source();
    const body = new UnsentBody(own);
    const asked = refusing.request({ method: 'POST', target: '/', fields: [], body, cancelling: new Cancelling() });
    await expect(asked).rejects.toThrow(NotConnected);
    expect(own.cancelled).toBe(false);
    expect(Buffer.from((await body.read()) as Uint8Array).toString()).toBe('body');
    await refusing.close();
  });

  test('is ended when there is no other way, or once some of it was read', async () => {
    const unread = source();
    const none = new UnsentBody(unread);
    none.cancel();
    none.settle();
    const begun = source();
    const some = new UnsentBody(begun);
    await some.read();
    some.cancel();
    const taken = source();
    new UnsentBody(taken).settle();
    expect([unread.cancelled, begun.cancelled, taken.cancelled]).toEqual([true, true, false]);
  });
});
