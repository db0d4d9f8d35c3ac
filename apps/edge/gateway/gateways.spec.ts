import { describe, expect, test } from '@jest/globals';
import { Gateways } from './gateways.ts';

type Answers = Readonly<Record<string, number | 'away'>>;

function gateways(urls: readonly string[], answers: Answers) {
  const asked: string[] = [];
  const by = (async (url: string | URL | Request) => {
    const { host, pathname } = new URL(String(url));
    asked.push(host + pathname);
    const answer = answers[host] ?? 'away';
    if (answer === 'away') throw new TypeError('fetch failed');
    return new Response(host, { status: answer });
  }) as typeof fetch;
  const all = new Gateways(
    urls.map((host) => `http://${host}`),
    by,
  );
  const ask = async (path = '/x', signal?: AbortSignal): Promise<string> => {
    const response = await all.ask(path, { timeoutMs: 1000, signal });
    return `${response.status} ${await response.text()}`;
  };
  return { ask, asked };
}

describe('what an edge asks the gateways', () => {
  test('is asked of the first, and of the next where that is away or unwell', async () => {
    const { ask, asked } = gateways(['a', 'b', 'c'], { b: 503, c: 200 });
    expect(await ask()).toBe('200 c');
    expect(asked).toEqual(['a/x', 'b/x', 'c/x']);
    // Whoever answered is asked first from now on.
    expect(await ask('/y')).toBe('200 c');
    expect(asked.slice(3)).toEqual(['c/y']);
  });

  test('a refusal is an answer', async () => {
    const { ask, asked } = gateways(['a', 'b'], { a: 403, b: 200 });
    expect(await ask()).toBe('403 a');
    expect(asked).toEqual(['a/x']);
  });

  test('the last word counts when none is well, and one alone is asked again', async () => {
    expect(await gateways(['a', 'b'], { a: 503, b: 502 }).ask()).toBe('502 b');
    const { ask, asked } = gateways(['a'], {});
    await expect(ask()).rejects.toThrow('fetch failed');
    expect(asked).toEqual(['a/x', 'a/x']);
    expect(await gateways(['a'], { a: 503 }).ask()).toBe('503 a');
  });

  test('nobody is asked any more once it is not wanted', async () => {
    const { ask, asked } = gateways(['a', 'b'], {});
    await expect(ask('/x', AbortSignal.abort())).rejects.toThrow('fetch failed');
    expect(asked).toEqual(['a/x']);
  });
});
