import { Viewer } from '../test/constellation/viewer.ts';
import { glassToGlass } from './glass/glass.ts';
import type { Live } from './glass/live.ts';
import type { Bench } from './harness/index.ts';

export const bench: Bench = {
  name: 'll-hls',
  summary: 'LL-HLS: glass to glass, low latency and classic',
  async run(context) {
    context.row('what', 'median', 'p99');
    const console = ({ platform }: Live): Promise<Viewer> => Viewer.open(platform.signInUrl);
    await glassToGlass(context, { name: 'low', bar: 'll-hls.latency.low', goalMs: 2000, open: console });
    await glassToGlass(context, { name: 'classic', bar: 'll-hls.latency.classic', goalMs: 6000, open: console, env: { LIVE_EDGE: 'off' } });
  },
};
