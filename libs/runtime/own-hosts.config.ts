import type { Environment } from './setting-values.config.ts';

/** Undefined for what is no URL; whoever needs the setting itself says so. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/**
 * Hosts at which the platform itself is reached, in lower case; `*.` stands before those below which all is its own. They are no
 * site's: whoever answered there would get the keys that people send to the console and the API.
 */
export function readOwnHosts(env: Environment): readonly string[] {
  const urls = [env['EDGE_PUBLIC_URL'] ?? '', ...(env['EDGE_URLS'] ?? '').split(',').map((url) => url.trim())];
  const steering = (env['STEERING_ZONE'] ?? '').toLowerCase().replace(/\.$/, '');
  const hosts = ['localhost', env['STREAMS_PUBLIC_HOST'], ...urls.map(hostOf), steering, steering === '' ? undefined : `*.${steering}`];
  return [...new Set(hosts.flatMap((host) => (host === undefined || host === '' ? [] : [host.toLowerCase()])))];
}
