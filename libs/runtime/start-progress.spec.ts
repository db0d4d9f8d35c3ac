import { beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { StartProgress } from './start-progress.ts';

describe('the progress of a start', () => {
  let now: number;
  let written: string[];
  let logged: string[];
  const progress = (supervised = true): StartProgress => {
    const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) });
    return new StartProgress({ logger, supervised, nowMs: () => now, write: (line) => void written.push(line) });
  };

  beforeEach(() => {
    now = 0;
    written = [];
    logged = [];
  });

  test('is told to the supervisor once a second, and now and then to people', () => {
    const one = progress();
    for (let at = 0; at < 250; at++) {
      now += 100;
      one.moved({ read: 1000, kept: 10 });
    }
    expect(written.length).toBe(25);
    expect(JSON.parse(written.at(-1) ?? '')).toEqual({ alive: true, moved: 252_500 });
    expect(logged).toEqual([
      'not ready yet, after 10 s: 100000 events of the log are read, 1000 heads that were made of them are kept',
      'not ready yet, after 20 s: 200000 events of the log are read, 2000 heads that were made of them are kept',
    ]);
  });

  test('is none where nothing is read', () => {
    const one = progress();
    now = 5000;
    one.moved({});
    expect(written).toEqual([]);
  });

  test('is told to nobody where there is no supervisor', () => {
    const one = progress(false);
    now = 5000;
    one.moved({ read: 10 });
    expect([written, logged]).toEqual([[], []]);
  });

  test('goes on where nobody reads', () => {
    const write = (): void => {
      throw new Error('EAGAIN');
    };
    const one = new StartProgress({ logger: pino({ level: 'silent' }), supervised: true, nowMs: () => now, write });
    now = 5000;
    expect(() => one.moved({ kept: 1 })).not.toThrow();
  });
});
