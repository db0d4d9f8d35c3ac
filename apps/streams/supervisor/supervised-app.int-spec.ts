import { afterEach, describe, expect, test } from '@jest/globals';
import { SupervisedApp, type SupervisedAppInit } from './supervised-app.ts';

/** Ready after so many words about its progress, of which one comes every 100 ms. */
const slow = `
  const [steps, word] = process.argv.slice(1);
  let step = 0;
  setInterval(() => console.log(++step > Number(steps) ? '{"msg":"serving","ready":true}' : word.replace('STEP', step)), 100);
`;

describe('an app that takes its time to become ready', () => {
  let app: SupervisedApp;
  afterEach(() => app.kill());

  function start(steps: number, word: string, lines: string[]): SupervisedApp {
    const program = { name: 'slow', command: process.execPath, args: ['-e', slow, '--', String(steps), word], env: { PATH: process.env['PATH'] }, cwd: '/' };
    const init: SupervisedAppInit = {
      ...{ name: 'slow', program: () => program, onLine: ({ msg }) => void lines.push(msg), onStarted: () => undefined, onEnded: () => undefined },
      ...{ startAttemptsMax: 1, readyWithinMs: 1500, frozenAfterMs: 60_000 },
    };
    app = new SupervisedApp(init);
    app.start();
    return app;
  }

  test('has its time again whenever its start moves on', async () => {
    const lines: string[] = [];
    expect(await start(40, '{"alive":true,"moved":STEP}', lines).ready).toMatchObject({ msg: 'serving' });
    expect(lines).toEqual(['serving']);
  });

  test('is ended when it says no more than that it is alive', async () => {
    const lines: string[] = [];
    await expect(start(1_000_000, '{"alive":true}', lines).ready).rejects.toThrow('slow cannot start: it ended with SIGKILL before it was ready');
    // On a machine that does not keep up it has more time, which is told as well.
    expect(lines.filter((line) => !line.includes('hardly finds a processor'))).toEqual(['slow was not ready within 1.5 s; ending it']);
  });
});
