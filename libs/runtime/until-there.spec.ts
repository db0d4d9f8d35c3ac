import { describe, expect, test } from '@jest/globals';
import { OperatingError } from '#kernel';
import { pino } from 'pino';
import { untilThere } from './until-there.ts';

const away = new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true });

describe('an engine that is away at the start', () => {
  const said: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });
  const init = { logger, signal: new AbortController().signal };

  test('is waited for, and the wait is told', async () => {
    let tries = 0;
    const act = async (): Promise<string> => {
      if (++tries < 3) throw away;
      return 'there';
    };
    expect(await untilThere(act, init)).toBe('there');
    expect(said).toEqual(['waiting for an engine: The database is away.']);
  });

  test('is not waited for longer than it may take, nor after the app was told to stop', async () => {
    await expect(untilThere(() => Promise.reject(away), { ...init, patienceMs: 1 })).rejects.toBe(away);
    await expect(untilThere(() => Promise.reject(away), { ...init, signal: AbortSignal.abort() })).rejects.toBe(away);
  });

  test('is not waited for when waiting does not help', async () => {
    const refused = new OperatingError('Wrong password.', { code: 'DATABASE_REFUSED', retryable: false });
    await expect(untilThere(() => Promise.reject(refused), init)).rejects.toBe(refused);
    await expect(untilThere(() => Promise.reject(new TypeError('a mistake')), init)).rejects.toThrow('a mistake');
  });
});
