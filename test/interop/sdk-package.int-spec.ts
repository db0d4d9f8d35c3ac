/** @needs chromium */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { connect } from '#sdk';
import { until } from '../constellation/platform.ts';
import { Viewer } from '../constellation/viewer.ts';
import { checkout, codeBlocks, mustRun, SdkConsumer } from './sdk-consumer.ts';

jest.setTimeout(240_000);

let world: World;
let gateway: RunningGateway;
let consumer: SdkConsumer;
let env: Record<string, string>;

beforeAll(async () => {
  consumer = await SdkConsumer.install();
  await consumer.add('@grpc/grpc-js', '@types/node', 'undici-types');
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 50 });
  const { authorization } = await world.key(['publish', 'view']);
  env = { STREAMS_URL: gateway.url, STREAMS_GRPC: gateway.grpc, STREAMS_KEY: authorization.slice('Bearer '.length) };
}, 240_000);

afterAll(async () => {
  await gateway?.stop();
  await world?.close();
  await consumer?.remove();
});

const program = `
import { connect } from '@streams/sdk';
import { fromKafkaMessage, kafka, toKafkaMessage } from '@streams/sdk/kafka';
const streams = connect({ url: process.env.STREAMS_URL, key: process.env.STREAMS_KEY });
const contentId = process.argv[2];
const { id } = await streams.publish('content.withdrawn', { contentId });
for await (const event of streams.subscribe({ types: ['content.withdrawn'], key: contentId, from: 'beginning' })) {
  console.log(event.id === id, fromKafkaMessage(toKafkaMessage(event.type, event.data).message).data.contentId);
  break;
}
await streams.close();
const producer = { sendBatch: async ({ topicMessages: [{ topic, messages }] }) => [{ topicName: topic, baseOffset: String(messages.length) }] };
const { offset } = await connect({ transport: kafka({ producer }) }).publish('content.withdrawn', { contentId });
console.log(process.versions.bun ?? 'v' + process.versions.node, offset);
`;

/** Node as a user of the SDK may have it, older than ours: whoever runs these tests has started them with one. */
function otherNode(): string {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '' && !folder.includes('node_modules'));
  const folder = folders.find((each) => existsIn(each, 'node'));
  if (folder === undefined) throw new Error('There is no Node on the PATH.');
  return join(folder, 'node');
}

function existsIn(folder: string, name: string): boolean {
  try {
    return readdirSync(folder).includes(name);
  } catch {
    return false;
  }
}

describe('installed from its tarball, without a network', () => {
  test('it brings what it says, and nothing of ours besides', () => {
    const folder = join(consumer.folder, 'node_modules/@streams/sdk');
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'dist', 'package.json']);
    expect(readdirSync(join(folder, 'dist')).sort()).toEqual(['events', 'kernel', 'sdk']);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /spec|testing/.test(file))).toEqual([]);
  });

  test('npm pack, as it is run to publish, packs the same files', async () => {
    const said = await mustRun('npm', ['pack', '--dry-run', '--json', '-w', 'libs/sdk'], { cwd: checkout });
    const [{ files }] = JSON.parse(said.slice(said.indexOf('['))) as [{ files: ReadonlyArray<{ path: string }> }];
    const installed = readdirSync(join(consumer.folder, 'node_modules/@streams/sdk'), { recursive: true, encoding: 'utf8' });
    expect(files.map(({ path }) => path).sort()).toEqual(installed.filter((path) => /\.\w+$/.test(path)).sort());
  });

  test.each([
    ['our Node', () => process.execPath] as const,
    ["the machine's Node", otherNode] as const,
    ['Bun', () => join(checkout, 'node_modules/.bin/bun')] as const,
  ])('it publishes and follows in %s', async (name, runtimeOf) => {
    const contentId = name.replaceAll(/\W/g, '');
    const runtime = runtimeOf();
    await consumer.write('program.js', program);
    const version = (await mustRun(runtime, ['--version'], { cwd: consumer.folder })).trim();
    expect(await mustRun(runtime, ['program.js', contentId], { cwd: consumer.folder, env })).toBe(`true ${contentId}\n${version} 1n\n`);
  });

  test('its types hold without ours, and refuse what does not fit', async () => {
    const lines = [
      "import { connect } from '@streams/sdk';",
      "const streams = connect({ url: '', key: '' });",
      "void streams.publish('content.withdrawn', { contentId: 'a' });",
      "void streams.publish('content.withdrawn', { contentId: 1 });",
      "for await (const event of streams.subscribe({ types: ['playback.ended'] })) event.data.contentId;",
    ];
    await consumer.write('types.ts', lines.join('\n'));
    const said = await consumer.compile(['types.ts'], { types: [], skipLibCheck: false, noEmit: true });
    expect(
      said
        .trim()
        .split('\n')
        .filter((line) => /^\S/.test(line))
        .map((line) => line.split(':')[0]),
    ).toEqual(['types.ts(4,45)', 'types.ts(5,88)']);
  });
});

/** The SDK as a page loads it. */
async function pageCode(): Promise<string> {
  await consumer.write('page.js', "export { connect } from '@streams/sdk';\n");
  const library = { entry: 'page.js', formats: ['iife'], name: 'sdk', fileName: 'page' };
  await consumer.write('vite.config.mjs', `export default ${JSON.stringify({ logLevel: 'error', build: { minify: false, lib: library } })};`);
  await mustRun(process.execPath, [join(checkout, 'node_modules/vite/bin/vite.js'), 'build'], { cwd: consumer.folder });
  return readFileSync(join(consumer.folder, 'dist/page.iife.js'), 'utf8');
}

describe('in a browser', () => {
  test('it follows the log, and goes on over a gateway that goes and comes back', async () => {
    const code = await pageCode();
    const viewer = await Viewer.open(gateway.url);
    try {
      const { page } = viewer;
      await page.evaluate(`${code}; globalThis.seen = []; globalThis.following = (async () => {
        const streams = sdk.connect({ url: location.origin, key: ${JSON.stringify(env['STREAMS_KEY'])} });
        for await (const event of streams.subscribe({ types: ['content.withdrawn'], key: 'browser', from: 'beginning' })) {
          globalThis.seen.push(event.data.reason);
          if (globalThis.seen.length === 4) return;
        }
      })(); undefined`);
      const port = Number(new URL(gateway.url).port);
      for (let at = 0; at < 4; at++) {
        await publish('browser', `${at}`);
        await until(
          () => page.evaluate(`globalThis.seen.length === ${at + 1}`),
          60_000,
          () => `the page has not seen event ${at}`,
        );
        if (at !== 1) continue;
        await gateway.stop();
        gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 50 }, port);
        env = { ...env, STREAMS_GRPC: gateway.grpc };
      }
      expect(await page.evaluate('globalThis.following.then(() => globalThis.seen)')).toEqual(['0', '1', '2', '3']);
    } finally {
      await viewer.close();
    }
  });
});

describe('on a page of another origin', () => {
  test('it publishes and follows where the origin is allowed, and nowhere else', async () => {
    const code = await pageCode();
    const open = await startGateway(world.engines, world.consolePath, { heartbeatMs: 50 }, 0, { corsOrigins: [new URL(gateway.url).origin] });
    const closed = await startGateway(world.engines, world.consolePath);
    const viewer = await Viewer.open(gateway.url);
    try {
      const run = (url: string): Promise<unknown> =>
        viewer.page.evaluate(`${code}; (async () => {
          const streams = sdk.connect({ url: ${JSON.stringify(url)}, key: ${JSON.stringify(env['STREAMS_KEY'])}, retryForMs: 0 });
          const following = (async () => { for await (const event of streams.subscribe({ types: ['content.withdrawn'], key: 'afar', from: 'beginning' })) return event.data.contentId; })();
          await streams.publish('content.withdrawn', { contentId: 'afar' });
          return following;
        })()`);
      expect(await run(open.url)).toBe('afar');
      const refused = await viewer.page.evaluate(`fetch(${JSON.stringify(`${closed.url}/api/v1/catalogue`)}).then(() => 'answered', () => 'kept from us')`);
      expect(refused).toBe('kept from us');
    } finally {
      await viewer.close();
      await open.stop();
      await closed.stop();
    }
  });
});

async function publish(contentId: string, reason: string): Promise<void> {
  await connect({ url: gateway.url, key: env['STREAMS_KEY'] as string }).publish('content.withdrawn', { contentId, reason });
}

describe('the examples of its README', () => {
  const blocks = codeBlocks(readFileSync(join(checkout, 'libs/sdk/README.md'), 'utf8'), 'ts').filter(({ words }) => words.length === 0);

  test('compile, and run one after the other as they stand', async () => {
    const names = blocks.map((_, at) => `example-${at}`);
    for (const [at, { source }] of blocks.entries()) await consumer.write(`example-${at}.ts`, source);
    expect(await consumer.compile(names.map((name) => `${name}.ts`))).toBe('');
    const example = (at: number): Promise<string> => mustRun(process.execPath, [`${names[at]}.js`], { cwd: consumer.folder, env });
    expect(await example(0)).toBe('');
    expect(await example(1)).toBe('10000 published, 0 refused\n');
    expect(await example(2)).toBe('trailer-42 https://origin.example/42.mp4\n');
    // It reads for two seconds and goes on where it was: however slow this machine is, nothing is missing in the end.
    const sessions = new Set<string>();
    for (let runs = 0; sessions.size < 10_000 && runs < 30; runs++) {
      for (const session of (await example(3)).split('\n').filter((line) => line !== '')) sessions.add(session);
    }
    expect(sessions.size).toBe(10_000);
    expect(await example(4)).toBe('content.withdrawn trailer-42\n');
    expect(blocks.map(({ heading }) => heading)).toEqual(['Publish', 'Publish many', 'Follow', 'Follow', 'gRPC']);
  });
});

describe('the examples of the first README', () => {
  const text = readFileSync(join(checkout, 'README.md'), 'utf8');
  const ofSection = (language: string): string[] =>
    codeBlocks(text, language)
      .filter(({ heading }) => heading === 'Publish events of your own')
      .map(({ source }) => source);

  test('publish by curl, and by the SDK', async () => {
    const [curl = ''] = ofSection('sh');
    const answer = JSON.parse(await mustRun('sh', ['-c', curl.replace('http://localhost:8080', gateway.url)], { cwd: consumer.folder, env })) as unknown;
    expect(answer).toMatchObject({ events: [{ id: 'first', topic: 'content' }] });
    const [example = ''] = ofSection('ts');
    await consumer.write('first.ts', example);
    expect(await consumer.compile(['first.ts'])).toBe('');
    expect(await mustRun(process.execPath, ['first.js'], { cwd: consumer.folder, env })).toContain(' trailer-42\n');
  });
});
