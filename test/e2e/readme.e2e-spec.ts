/** @needs ffmpeg curl */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readCheckedSettings } from '../../apps/streams/supervisor/checked-settings.config.ts';
import { freePorts } from '../constellation/free-ports.ts';
import { Platform, until } from '../constellation/platform.ts';
import { shellCommands } from '../interop/readme-commands.ts';

jest.setTimeout(240_000);

const checkout = resolve(import.meta.dirname, '../../..');
const readme = readFileSync(join(checkout, 'README.md'), 'utf8');
const commands = shellCommands(readme);

/** What a command has to print; one that would go on for ever is ended once it has. */
const expected: ReadonlyArray<readonly [command: string, prints: RegExp]> = [
  ['ffmpeg -re -i film.mp4', /frame=/],
  ['npm run -s streams -- stream start "Evening news"', /Stream st-\w+ \(Evening news\) waits for a publisher\.[^]*stream key {2}st-/],
  ['curl -X POST http://localhost:8080/api/v1/stream/start', /"streamKey":"st-/],
  ['npm run -s streams -- events tail', /segment\.produced/],
  ['npm run -s streams -- events list --type segment.produced --json', /"type": "segment\.produced"/],
  ['curl -N -H "Authorization: Bearer $STREAMS_KEY" http://localhost:8080/api/v1/events/live', /^data: \{/m],
  ['npx buf curl --protocol grpc', /"attributes"[^]*stream\.created/],
  [`npx buf curl -d '{"where": {"status"`, /"streams"[^]*"status":\s*"live"/],
  [`npx buf curl -d '{"where": {"stream"`, /"rows"[^]*"stream":\s*\{/],
  ['curl -X POST http://localhost:8080/api/v1/events', /"id":"first"/],
  ['npm run -s streams -- purge /live/', /Purge pg-\w+ is applied\./],
  ['npm run -s streams -- zone set shop shop.json', /shop {2}version 1/],
  ['npm run -s streams -- edge --config site.yaml', /The edge serves http:[^]*Ctrl-C ends it/],
  // A name that leads nowhere (RFC 2606): nothing is delivered.
  ['npm run -s streams -- webhook add https://hooks.example/streams', /whsec_[A-Za-z0-9+/]{43}=/],
  ['npm run -s streams -- replay diff streams', /makes the same rows as those that serve/],
  ['npm run -s streams -- replay run streams --promote', /Readers see it\./],
  ['npm run -s streams -- subject export viewer:v-4711', /"viewer":"v-4711"[^]*"table":"playback_session"/],
  ['npm run -s streams -- subject erase viewer:v-4711', /viewer:v-4711 is erased/],
  ['npm run -s streams -- subject keys', /1 erased/],
  ['npm run -s streams -- subject rotate-master', /under the new master key mk-/],
  // After the erasure: it changes nothing of what was signed.
  ['npm run -s streams -- audit verify', /Everything is as it was signed\./],
  ['npm run -s streams -- audit prove', /in the tree of /],
  ['npm run -s streams -- audit export', /bundle/],
  ['node dist/apps/auditor/main.js', /Everything is as it was signed\./],
  ['npm run -s streams -- audit verify --offline', /Everything is as it was signed\./],
  ['npm run -s streams -- audit rotate-key', /has its key number 2/],
  ['npm run -s streams -- region digest', /north\.json holds \d+ digests/],
  // There is one region here.
  ['npm run -s streams -- region compare', /are of one and the same log/],
  ['npm run -s streams -- tenant create acme "Acme TV"', /acme/],
  ['npm run -s streams -- key create "Acme admin" --tenant acme --scope admin', /sk_k-/],
  ['npm run -s streams -- tenant suspend acme --reason unpaid', /Tenant acme is suspended/],
  ['npm run -s streams -- key create encoder', /sk_k-/],
  ['npm run -s streams -- key rotate', /sk_k-/],
  ['npm run -s streams -- key revoke', /revoked|no longer|ended/i],
  ["npm run -s streams -- events search --context stream --where 'data.durationUs", /segment\.produced/],
  ['npm run -s streams -- events show EVENT_ID', /stream\.created/],
  ['npm run -s streams -- events tree EVENT_ID', /stream\.created/],
  ['npm run -s streams -- stream list --as-of', /Film/],
  ['curl -H "Authorization: Bearer $STREAMS_KEY" \'http://localhost:8080/api/v1/streams/ID?asOf', /"name":"Film"/],
  // Its picture would need a screen: what it plays is measured instead.
  ["ffplay 'http://localhost:8081/live/ID/master.m3u8?asOf", /duration=\d/],
  ['npm run -s streams -- sandbox create why', /Sandbox why is ready/],
  ['npm run -s streams -- sandbox query why stream', /"stream_id":"st-/],
  ['npm run -s streams -- sandbox diff why streams', /stream/],
  ['npm run -s streams -- sandbox drop why', /Nothing is left of the sandbox why\./],
  // All is well here: what is asked for does not wait.
  ['npm run -s streams -- parked list', /Nothing is parked\./],
  ['npm run -s streams -- parked show ID', /[Tt]here is no|no parked event/],
  ['npm run -s streams -- parked try ID', /[Tt]here is no|no parked event/],
  ['npm run -s streams -- parked try ID --upcaster', /[Tt]here is no|no parked event/],
  ['npm run -s streams -- parked retry ID', /[Tt]here is no|no parked event/],
  ['npm run -s streams -- parked retry --all', /Nothing of that is parked/],
  ['npm run -s streams -- parked discard ID', /[Tt]here is no|no parked event/],
  ['npm run -s streams -- log status', /PARTITION\s+IN THE ENGINE[^]*stream\//],
  ['npm run -s streams -- log seal --older-than 7d --dry-run', /0 events are older/],
  ['curl -s localhost:9461/metrics', /streams_consumer_lag_events\{/],
];

/** What starts the platform: that is done by whoever runs this test. With settings before it, these are tried instead. */
const starts = (text: string): boolean => /(^|\s)npm (start|test)\b/.test(text) || text.startsWith('export ');

/** As the README of an auditor's bundle has it. */
const verifierKeyIn = (bundle: string): string => /^ {4}(\S+\+\S+)$/m.exec(readFileSync(join(bundle, 'README.md'), 'utf8'))?.[1] ?? 'none';

describe('the commands of the README, on a running platform', () => {
  let platform: Platform;
  let folder: string;
  let watch: number;
  const known = { stream: '', streamKey: '', key: '', event: '' };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'streams-readme-'));
    // The apps take the five ports from this one on.
    [watch = 0] = await freePorts(1);
    platform = await Platform.start({ env: { METRICS_PORT: String(watch) } });
    const { id, streamKey } = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Film' });
    const data = { sessionId: 'ps-1', assetKind: 'stream', assetId: id, startupMs: 800, viewer: 'v-4711' };
    await platform.api('POST', '/api/v1/events', { specversion: '1.0', id: 'watched', source: '/player', type: 'playback.started', data });
    const { id: key } = await platform.api<{ id: string }>('POST', '/api/v1/keys', { name: 'spare', scopes: ['view'] });
    const { items } = await platform.api<{ items: ReadonlyArray<{ id: string }> }>('GET', '/api/v1/events?type=stream.created');
    Object.assign(known, { stream: id, streamKey, key, event: items[0]?.id ?? '' });
    const site = /```yaml\n(listen:[^]*?)```/.exec(readme)?.[1] ?? '';
    writeFileSync(join(folder, 'site.yaml'), filledIn(site.replace('listen: 8085', 'listen: 127.0.0.1:0')));
    writeFileSync(join(folder, 'shop.json'), /```json\n(\{\n {2}"hosts"[^]*?)```/.exec(readme)?.[1] ?? '');
    const film = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-f', 'lavfi', '-i', 'sine', '-t', '60', '-c:v', 'libx264', '-preset', 'ultrafast'];
    expect(spawnSync('ffmpeg', ['-loglevel', 'error', ...film, '-pix_fmt', 'yuv420p', '-c:a', 'aac', join(folder, 'film.mp4')]).status).toBe(0);
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The reader's own values in the places that the README leaves for them. */
  function filledIn(text: string): string {
    const ports = { 8080: platform.ports.gateway, 8081: platform.ports.edge, 8083: platform.ports.grpc, 1935: platform.ports.rtmp, 9461: watch + 1 };
    return Object.entries(ports)
      .reduce((line, [port, real]) => line.replaceAll(`localhost:${port}`, `127.0.0.1:${real}`), text)
      .replace('site.yaml', join(folder, 'site.yaml'))
      .replace('shop.json', join(folder, 'shop.json'))
      .replace('film.mp4', join(folder, 'film.mp4'))
      .replace('YOUR-STREAM-KEY', known.streamKey)
      .replace('<stream id>', known.stream)
      .replace('KEY-ID', known.key)
      .replace('EVENT_ID', known.event)
      .replace(/(parked \w+) ID\b/, '$1 pk-stream-7-88-streams-3')
      .replace('ffplay', 'ffprobe -v error -show_entries format=duration')
      .replace(/(streams|live|stream_id:)(\/?)ID\b/, `$1$2${known.stream}`)
      .replace('2026-11-26T14:05:00Z', new Date().toISOString())
      .replaceAll(/\b(north|south)\.json/g, join(folder, 'north.json'))
      .replace(/ DIR\b/, ` ${join(folder, 'bundle')}`)
      .replace('VERIFIER_KEY', () => verifierKeyIn(join(folder, 'bundle')));
  }

  function run(text: string, prints: RegExp): Promise<string> {
    const PATH = [join(checkout, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    const env = { ...process.env, PATH, STREAMS_DATA_DIR: platform.dataDir, STREAMS_KEY: platform.key, STREAMS_URL: '' };
    const child = spawn('sh', ['-c', filledIn(text)], { cwd: checkout, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise((done) => child.on('close', done));
    let isOver = false;
    void ended.then(() => (isOver = true));
    return until(
      () => prints.test(output) || isOver,
      60_000,
      () => `${text} did not print ${prints}:\n${output}`,
    ).then(() => {
      // What publishes goes on: the commands behind it follow its stream.
      if (!isOver && !text.startsWith('ffmpeg')) process.kill(-(child.pid as number), 'SIGTERM');
      return output;
    });
  }

  test('each is tried here, or starts the platform itself', () => {
    expect(commands.length).toBeGreaterThan(15);
    expect(commands.filter(({ text }) => !starts(text) && !expected.some(([command]) => text.startsWith(command)))).toEqual([]);
    expect(expected.filter(([command]) => !commands.some(({ text }) => text.startsWith(command)))).toEqual([]);
  });

  test.each(expected)('%s', async (command, prints) => {
    const found = commands.filter(({ text }) => text.startsWith(command));
    expect(await run(found[0]?.text ?? '', prints)).toMatch(prints);
  });

  test('what is exported before a start is what the apps accept', async () => {
    for (const heading of new Set(commands.filter(({ text }) => text.endsWith('npm start')).map((one) => one.heading))) {
      const block = commands
        .filter((one) => one.heading === heading && starts(one.text))
        .map(({ text }) => text.replace(/npm (start|test)( -- --demo)?$/, 'env'));
      const { stdout } = spawnSync('sh', ['-c', block.join('\n')], { env: { PATH: process.env['PATH'] }, encoding: 'utf8' });
      const env = Object.fromEntries(stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
      expect(Object.keys(env).length).toBeGreaterThan(3);
      await expect(readCheckedSettings(env)).resolves.toMatchObject({ root: checkout });
    }
  });
});
