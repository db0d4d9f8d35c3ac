import type { LocalEngine } from './engines/index.ts';
import { CommandWitness } from './command-witness.ts';
import { type Part, type Platform, until } from './platform.ts';
import { PlaylistWitness } from './playlist-witness.ts';
import { ReconnectingPublisher } from './reconnecting-publisher.ts';
import { Viewer } from './viewer.ts';

export const victims: readonly Part[] = ['gateway', 'ingest', 'media', 'ffmpeg', 'projector', 'edge', 'postgres'];

const healDeadlineMs = 60_000;
const samplePeriodMs = 200;

/** What can be hurt while a stream runs. */
export interface Victim {
  readonly name: string;
  /** Waits until there is something to hurt, and hurts it; the answer tells whether somebody does its work again. */
  strike(platform: Platform): Promise<() => boolean>;
}

/** A process of the platform, killed as by a crash. */
export function partVictim(part: Part): Victim {
  return {
    name: part,
    strike: async (platform) => {
      await until(
        () => platform.processes(part).length > 0,
        healDeadlineMs,
        () => `No ${part} process to kill.\n${platform.log.slice(-3000)}`,
      );
      const victim = platform.kill(part);
      return () => {
        const now = platform.processes(part);
        return now.length > 0 && now.every((process) => process.pid !== victim);
      };
    },
  };
}

/**
 * An engine beside the platform, which comes back at the same place after a while. With words, it counts as back only
 * once the platform has said them: the next victim would otherwise take with it the process that was about to.
 */
export function engineVictim(name: string, engine: LocalEngine, { downMs, toldBy }: { readonly downMs: number; readonly toldBy?: string | undefined }): Victim {
  return {
    name,
    strike: async (platform) => {
      const timesTold = (): number => (toldBy === undefined ? 0 : platform.log.split(toldBy).length);
      const told = timesTold();
      let isBack = false;
      void engine.restart(downMs).then(() => (isBack = true));
      return () => isBack && (toldBy === undefined || timesTold() > told);
    },
  };
}

export interface Kill {
  readonly part: string;
  /** The longest time that the player's picture stood still after the kill, ms. */
  readonly stillMs: number;
  /** From the kill to a picture on the screen that was drawn after it, ms; the player's latency included. */
  readonly freshMs: number;
}

export interface KillRunReport {
  readonly streamId: string;
  readonly kills: readonly Kill[];
  readonly acknowledged: readonly string[];
  readonly refused: number;
  readonly stepsBack: readonly string[];
  readonly newestSequence: number;
  readonly pageLoads: number;
  readonly reconnects: number;
}

export interface KillRunInit {
  readonly platform: Platform;
  readonly kills: number;
  /** In turn; every process of the platform by default. */
  readonly victims?: readonly Victim[];
  /** The publisher's picture; small, so that two cores hold all of it. */
  readonly width: number;
  readonly height: number;
  onKill?(kill: Kill, count: number): void;
}

/** Kills the parts in turn, each once the stream plays again, with a publisher, a player and two witnesses running. */
export async function killRun(init: KillRunInit): Promise<KillRunReport> {
  const { platform, victims: order = victims.map(partVictim) } = init;
  const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Kill run', graceSeconds: 600 });
  const publisher = new ReconnectingPublisher({ url: platform.rtmpUrl(stream.streamKey), width: init.width, height: init.height, videoBitrate: '800k' });
  const viewer = await Viewer.open(platform.signInUrl);
  let pageLoads = 0;
  viewer.page.on('load', () => pageLoads++);
  const commands = new CommandWitness(platform);
  const playlist = new PlaylistWitness(`${platform.edgeUrl}/live/${stream.id}/240p.m3u8`);
  const kills: Kill[] = [];
  try {
    await until(
      async () => (await viewer.look())?.latencyMs !== undefined,
      healDeadlineMs,
      () => `No picture before the first kill.\n${publisher.log}\n${platform.log.slice(-3000)}`,
    );
    for (let count = 0; count < init.kills; count++) {
      const kill = await killOne(platform, viewer, order[count % order.length] as Victim);
      kills.push(kill);
      init.onKill?.(kill, count + 1);
    }
  } finally {
    await Promise.all([commands.stop(), playlist.stop(), publisher.stop(), viewer.close()]);
  }
  return {
    streamId: stream.id,
    kills,
    acknowledged: commands.acknowledged,
    refused: commands.refused,
    stepsBack: playlist.stepsBack,
    newestSequence: playlist.newest,
    pageLoads,
    reconnects: publisher.reconnects,
  };
}

async function killOne(platform: Platform, viewer: Viewer, { name, strike }: Victim): Promise<Kill> {
  const healed = await strike(platform);
  const killedAt = Date.now();
  let moved = killedAt;
  let position = -1;
  let stillMs = 0;
  const complaint = (): string => `After the kill of ${name} the picture did not come back.\n${viewer.problems.join('\n')}\n${platform.log.slice(-6000)}`;
  await until(
    async () => {
      const seen = await viewer.look();
      const now = Date.now();
      if (seen !== undefined && seen.currentTime !== position) {
        stillMs = Math.max(stillMs, now - moved);
        position = seen.currentTime;
        moved = now;
      }
      return seen?.latencyMs !== undefined && now - seen.latencyMs > killedAt && healed();
    },
    healDeadlineMs,
    complaint,
    samplePeriodMs,
  );
  return { part: name, stillMs: Math.max(0, stillMs - samplePeriodMs), freshMs: Date.now() - killedAt };
}
