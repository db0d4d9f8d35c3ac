import { invalidSetting, readInteger, type Environment } from '#runtime';

/** Edges from which this one takes what is hot there. Durations in ms, sizes in bytes. */
export interface PeerSettings {
  readonly urls: readonly string[];
  /** The gateway is asked which others there are, and this is shown to it; undefined for those of `urls` alone. */
  readonly registryKey: string | undefined;
  /** Before it serves: for so long, and so much, at most. */
  readonly timeMaxMs: number;
  readonly bytesMax: number;
  /** Once more every so often while it serves; 0 for never. */
  readonly everyMs: number;
}

/** Those that the gateway knows. */
const registryWord = 'registry';

/** Undefined for no peers. @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readPeers(env: Environment, edgeSecret: string | undefined): PeerSettings | undefined {
  const named = (env['EDGE_WARM_PEERS'] ?? '')
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter(Boolean);
  const urls = named.filter((one) => one !== registryWord);
  const timeMaxMs = readInteger(env, 'EDGE_WARM_SECONDS', 20, 1, 600) * 1000;
  const bytesMax = readInteger(env, 'EDGE_WARM_MB', 128, 1, 1_048_576) * 1024 * 1024;
  const everyMs = readInteger(env, 'EDGE_PEERS_EVERY_SECONDS', 0, 0, 86_400) * 1000;
  if (named.length === 0) return undefined;
  for (const url of urls) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.origin !== url)
      throw invalidSetting(
        'EDGE_WARM_PEERS',
        `must be URLs of edges without a path, or "registry" for those that are registered, but has ${JSON.stringify(url)}`,
      );
  }
  if (edgeSecret === undefined) throw invalidSetting('EDGE_WARM_PEERS', 'needs EDGE_SECRET, the same at all edges');
  const key = env['EDGE_KEY'] || undefined;
  if (urls.length < named.length && key === undefined)
    throw invalidSetting('EDGE_WARM_PEERS', 'needs EDGE_KEY for "registry": the gateway tells edges of ours alone who the others are');
  return { urls, registryKey: urls.length < named.length ? key : undefined, timeMaxMs, bytesMax, everyMs };
}
