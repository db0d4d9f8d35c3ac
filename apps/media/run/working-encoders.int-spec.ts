import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { encoderName, trialArguments } from '#core/ffmpeg-plan';
import { pino } from 'pino';
import { workingEncoders } from './working-encoders.ts';

const logger = pino({ level: 'silent' });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-encoders-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('an encoder is used if it really encodes here, and no other', async () => {
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
  const sessions = { nvenc: 1, qsv: 2, amf: 3, vaapi: 4 };
  const init = { kinds: ['nvenc', 'vaapi'], vaapiDevice: '/dev/null', sessions, hasDevice: () => true } as const;
  expect((await workingEncoders(runner, { ...init, program }, logger)).map(({ kind }) => kind)).not.toContain('vaapi');
  // One that encodes in software whatever it is asked for, and one that hangs up with an error.
  const [able, unable] = [join(folder, 'able'), join(folder, 'unable')];
  await writeFile(able, `#!/bin/sh\nhead -c 5000 /dev/zero\n`, { mode: 0o700 });
  await writeFile(unable, `#!/bin/sh\nhead -c 5000 /dev/zero\nexit 1\n`, { mode: 0o700 });
  expect(await workingEncoders(runner, { ...init, program: able }, logger)).toEqual([
    { kind: 'nvenc', codecs: ['h264', 'hevc'], sessionsMax: 1 },
    { kind: 'vaapi', codecs: ['h264', 'hevc'], sessionsMax: 4 },
  ]);
  expect(await workingEncoders(runner, { ...init, program: unable }, logger)).toEqual([]);
  if (process.platform === 'linux') expect(await workingEncoders(runner, { ...init, program: able, hasDevice: () => false }, logger)).toEqual([]);
});

const calls = (['nvenc', 'qsv', 'vaapi', 'software'] as const).flatMap((kind) => [[kind, 'h264'] as const, [kind, 'hevc'] as const]);

test.each(calls)('%s is called for %s by options that ffmpeg documents, with values that it takes', async (kind, codec) => {
  const argv = trialArguments(kind, codec, '/dev/null');
  const own = argv.slice(argv.indexOf('-bf') + 2, argv.indexOf('-force_key_frames')).filter((word) => /^-[a-z]/.test(word));
  const ffmpeg = (words: readonly string[]) => promisify(execFile)('ffmpeg', words).catch((error: { stdout: string; stderr: string }) => error);
  const { stdout } = await ffmpeg(['-hide_banner', '-h', `encoder=${encoderName(kind, codec)}`]);
  const documented = [...stdout.matchAll(/^ {2}(-\S+) +</gm)].map(([, name]) => name);
  // What every encoder has is not listed with each.
  for (const option of own) expect(['-g', '-level', '-pix_fmt', '-threads', ...documented]).toContain(option.replace(/:v$/, ''));
  const { stderr } = await ffmpeg(argv);
  expect(stderr).not.toMatch(/Error setting option|Unable to parse|Undefined constant|Unrecognized option/);
});
