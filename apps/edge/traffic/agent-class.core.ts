import type { AgentClass } from '#events';

/** The first that fits; who is more special comes first: most programs claim to be several others. */
const classes: readonly (readonly [AgentClass, RegExp])[] = [
  ['bot', /bot\b|crawl|spider|slurp|preview|monitor|uptime|pingdom/],
  ['tv', /\btv\b|smart-?tv|tizen|web0s|webos|appletv|apple tv|roku|bravia|crkey|\baft[a-z]|hbbtv|netcast|viera|xbox|playstation/],
  ['tool', /curl|wget|python|go-http|okhttp|java\/|libvlc|vlc\/|lavf|ffmpeg|gstreamer|axios|node|undici|bun\/|postman|insomnia|wrk|h2load|k6\//],
  ['android', /android/],
  ['apple', /iphone|ipad|ipod|applecoremedia|darwin|cfnetwork/],
  ['firefox', /firefox|gecko\/\d/],
  ['chromium', /chrom(?:e|ium)\/|edg\//],
  ['apple', /macintosh|safari/],
];

/** The kind of program that a User-Agent names. */
export function agentClassOf(agent: string | undefined): AgentClass {
  if (agent === undefined) return 'other';
  const text = agent.toLowerCase();
  return classes.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other';
}
