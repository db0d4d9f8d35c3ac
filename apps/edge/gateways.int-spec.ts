import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type Answer, type EdgeRuntime } from './edge.fixture.ts';

describe.each<EdgeRuntime>(['bun', 'node'])('an edge of several gateways, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let gateways: ScriptedOrigin[];
  let edge: EdgeProcess;
  let paths = 0;

  const furnish = (gateway: ScriptedOrigin, name: string): ScriptedOrigin => {
    gateway.says('/live/time', '200 OK\r\ncontent-type: text/plain', 'now');
    gateway.says('/api/v1/x', '200 OK', name);
    for (let at = 0; at < 2000; at++) gateway.says(`/media/${at}.m4s`, '200 OK\r\ncache-control: max-age=60', name);
    return gateway;
  };
  const media = async (count: number): Promise<string[]> => {
    const answers: string[] = [];
    for (let at = 0; at < count; at++) answers.push((await edge.get(`/media/${paths++}.m4s`)).body);
    return answers;
  };
  const post = (): Promise<Answer> => edge.get('/api/v1/x', {}, 'POST', '{}');
  const asked = (gateway: ScriptedOrigin): number => gateway.count('/live/time');

  beforeAll(async () => {
    folder = await temporaryFolder();
    gateways = [furnish(await ScriptedOrigin.start(), 'a'), furnish(await ScriptedOrigin.start(), 'b')];
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: gateways.map(({ url }) => url).join(', ') });
  }, 30_000);

  afterAll(async () => {
    await edge.kill();
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await folder.remove();
  });

  test('asks both, and each for what is its own', async () => {
    const answers = await media(30);
    expect(new Set(answers)).toEqual(new Set(['a', 'b']));
  });

  test('goes on with the other when one is gone, and comes back to it', async () => {
    const [a, b] = gateways as [ScriptedOrigin, ScriptedOrigin];
    const { port } = a;
    await a.close();
    // Nobody who reads sees it go.
    expect(new Set(await media(30))).toEqual(new Set(['b']));
    const before = asked(b);
    await until(() => asked(b) >= before + 2);
    // Nor, once it has been seen that it is gone, who writes.
    for (let round = 0; round < 10; round++) expect(await post()).toMatchObject({ status: 200, body: 'b' });
    gateways[0] = furnish(await ScriptedOrigin.start(port), 'a');
    await until(async () => (await media(1))[0] === 'a');
  }, 30_000);

  test('takes the word of another where one cannot answer', async () => {
    const [a] = gateways as [ScriptedOrigin, ScriptedOrigin];
    for (let at = 0; at < 2000; at++) a.says(`/media/${at}.m4s`, '503 Service Unavailable\r\nretry-after: 1', 'unwell');
    expect(new Set(await media(20))).toEqual(new Set(['b']));
  });

  test('is not to be had with what is no URL', async () => {
    for (const url of [`${gateways[0]?.url},ftp://x`, `${gateways[0]?.url},`, Array.from({ length: 9 }, (_, at) => `http://g${at}`).join()]) {
      const wrong = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: url });
      expect(await wrong.ended).toBe(2);
    }
  });
});
