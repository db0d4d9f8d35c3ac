import { isOfPlatform, seesEveryTenant, seesTenant, type Principal } from '#domain/access';
import { notFound } from '../http/problem.errors.ts';
import type { StreamReader } from '../streams/stream-reader.ts';

/** Questions to the database at a time. */
const atOnce = 16;

/** The path of a URL as an edge reads it: without dot segments, escapes undone. Undefined for what is no URL. */
function pathOf(target: string): string | undefined {
  try {
    return decodeURIComponent(new URL(target, 'http://edge').pathname);
  } catch {
    return undefined;
  }
}

/** The stream below whose playlists the path lies. */
function streamOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : /^\/+live\/+([^/]+)/.exec(path)?.[1];
}

/** Sees to it that nobody makes edges forget what is another tenant's. */
export class PurgeTargets {
  readonly #streams: StreamReader;

  constructor(streams: StreamReader) {
    this.#streams = streams;
  }

  /**
   * A tenant may purge what lies below `/live/<its stream>/`; a caller of the platform everything but other tenants'
   * streams. Media is shared by all who have the same bytes, and never changes: it is nobody's to purge but the platform's.
   * @throws ProblemError 404, the same for what is another's and for what is not there.
   */
  async check(urls: readonly string[], principal: Principal): Promise<void> {
    if (seesEveryTenant(principal)) return;
    const platform = isOfPlatform(principal);
    const streams = new Map<string, number>();
    for (const [at, url] of urls.entries()) {
      const streamId = streamOf(pathOf(url));
      if (streamId !== undefined) streams.set(streamId, streams.get(streamId) ?? at);
      else if (!platform) throw nothingThere(at);
    }
    const asked = [...streams];
    for (let from = 0; from < asked.length; from += atOnce) {
      await Promise.all(asked.slice(from, from + atOnce).map(([streamId, at]) => this.#checkStream(streamId, at, principal, platform)));
    }
  }

  async #checkStream(streamId: string, at: number, principal: Principal, platform: boolean): Promise<void> {
    const tenant = await this.#streams.tenantOf(streamId);
    if (tenant === undefined ? !platform : !seesTenant(principal, tenant)) throw nothingThere(at);
  }
}

function nothingThere(at: number): Error {
  return notFound('unknown-url', `body.urls.${at}: There is no stream of yours at this URL.`);
}
