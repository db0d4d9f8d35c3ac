import { beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { MasterKey } from '../master-key.port.ts';
import { operatingError, useSubject, type SubjectFactory } from './subject.ts';

/** What every master key promises. */
export function masterKeyConformance(name: string, factory: SubjectFactory<MasterKey>): void {
  describe(`${name} is a master key`, () => {
    const subject = useSubject(factory);
    let master: MasterKey;
    beforeEach(() => {
      master = subject().port;
    });

    test('wraps keys so that they are not seen, and unwraps them to the byte', async () => {
      const key = randomBytes(32);
      const [one, other] = [await master.wrap(key), await master.wrap(key)];
      expect(one.masterId).toBe(await master.newest());
      expect(Buffer.from(one.wrapped).includes(key)).toBe(false);
      expect(Buffer.from(one.wrapped).equals(Buffer.from(other.wrapped))).toBe(false);
      expect(Buffer.from(await master.unwrap(one)).equals(key)).toBe(true);
      expect(Buffer.from(await master.unwrap(other)).equals(key)).toBe(true);
    });

    test('a new one takes over, and the one before unwraps until it is forgotten', async () => {
      const key = randomBytes(32);
      const before = await master.wrap(key);
      const id = await master.renew();
      expect(id).not.toBe(before.masterId);
      expect(await master.newest()).toBe(id);
      expect((await master.wrap(key)).masterId).toBe(id);
      expect(Buffer.from(await master.unwrap(before)).equals(key)).toBe(true);
      const after = await master.wrap(key);
      const later = await master.renew();
      await master.forgetBefore(id);
      expect(await master.newest()).toBe(later);
      expect(Buffer.from(await master.unwrap(after)).equals(key)).toBe(true);
      await expect(master.unwrap(before)).rejects.toEqual(operatingError('MASTER_KEY_MISSING'));
    });

    test('does not unwrap what was changed, or is of a stranger', async () => {
      const { masterId, wrapped } = await master.wrap(randomBytes(32));
      const changed = Buffer.from(wrapped);
      changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
      await expect(master.unwrap({ masterId, wrapped: changed })).rejects.toBeInstanceOf(Error);
      await expect(master.unwrap({ masterId: 'mk-stranger', wrapped })).rejects.toEqual(operatingError('MASTER_KEY_MISSING'));
    });
  });
}
