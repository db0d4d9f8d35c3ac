import { DashPage, dashPlayers, type DashPlayer } from '../test/constellation/dash-page.ts';
import { until } from '../test/constellation/platform.ts';
import { glassToGlass, type Glass } from './glass/glass.ts';
import { patienceMs, type Live } from './glass/live.ts';
import type { Bench, BenchContext } from './harness/index.ts';

/** The others are told and not judged: they choose their distance themselves. */
const bars: Readonly<Partial<Record<DashPlayer, string>>> = { 'dash.js': 'll-dash.latency' };

/** A player that knows nothing of us, with its own settings, through the edge. */
async function openPlayer(player: DashPlayer, { platform, stream }: Live): Promise<Glass> {
  const url = `${platform.edgeUrl}/live/${stream.id}/manifest.mpd`;
  await until(
    async () => (await fetch(url)).ok,
    patienceMs,
    () => `No manifest.\n${platform.log.slice(-3000)}`,
  );
  const page = await DashPage.open(player, url);
  return { look: () => page.viewer.look(), close: () => page.close() };
}

async function measure(context: BenchContext, player: DashPlayer): Promise<void> {
  await glassToGlass(context, { name: player, bar: bars[player], goalMs: 3000, open: (live) => openPlayer(player, live) });
}

export const bench: Bench = {
  name: 'll-dash',
  summary: 'LL-DASH: glass to glass with dash.js and Shaka Player, as they come, through the edge',
  async run(context) {
    context.row('what', 'median', 'p99');
    for (const player of dashPlayers) await measure(context, player);
  },
};
