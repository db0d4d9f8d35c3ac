import { join } from 'node:path';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import type { Engines } from '#adapters/engines';
import { NodeProcessRunner } from '#adapters/ffmpeg';
import { presets } from '#core/ffmpeg-plan';
import { EffectWorkers, FactPublisher, GatheredLeaseStore, type AppContext } from '#runtime';
import { LiveEdges } from './edge/live-edges.ts';
import { StreamFollower } from './fold/stream-follower.ts';
import { LiveStream, type LiveStreamDeps } from './live/live-stream.ts';
import { Overload } from './live/overload.ts';
import { StreamDirector } from './live/stream-director.ts';
import { MediaCounters } from './media-counters.ts';
import type { MediaSettings } from './media.config.ts';
import { ClipWorker } from './recording/clip-worker.ts';
import { RecordingWorker } from './recording/recording-worker.ts';
import { observeMedia } from './media.telemetry.ts';
import { EncoderSessions } from './run/encoder-sessions.ts';
import { readyFfmpeg } from './run/ready-ffmpeg.ts';
import { workingEncoders } from './run/working-encoders.ts';
import { Sampling } from './sampling/sampling.ts';
import { DecoderProcess } from './sampling/decoder-process.ts';

class MediaRoot {}

/** ffmpeg says this of every AAC track that starts at its priming; the plan accounts for it. */
const ignoredLines = /Track 0 starts with a nonzero dts/;

/** The only wiring of the media app: ends what a killed predecessor left, checks ffmpeg, follows the log. */
export async function mediaModule(engines: Engines<'log' | 'database' | 'blobs' | 'jobs'>, context: AppContext<MediaSettings>): Promise<DynamicModule> {
  const { settings, logger, telemetry } = context;
  const runner = new NodeProcessRunner({ runPath: settings.runPath, ignoredLines });
  const swept = await runner.sweep();
  if (swept > 0) logger.warn({ swept }, 'ended encoders that a killed process had left');
  const ffmpeg = await readyFfmpeg(runner, { named: settings.ffmpeg, searchPath: settings.searchPath }, { logger, signal: context.lifecycle.stopping });
  logger.info({ ...ffmpeg }, `ffmpeg ${ffmpeg.version}`);
  const { hardware: kinds, vaapiDevice, sessions } = settings;
  const encoders = new EncoderSessions(await workingEncoders(runner, { program: ffmpeg.program, kinds, vaapiDevice, sessions }, logger), engines.clock);
  const { log, blobs } = engines;
  const leases = new GatheredLeaseStore({ gatherMs: settings.leaseTtlMs / 50 }, engines.leases);
  const owner = `${settings.node}/${settings.mediaId}`;
  const follower = new StreamFollower({ snapshotPath: join(settings.runPath, `${settings.mediaId}.fold.json`) }, { log, logger, health: telemetry.health });
  const facts = new FactPublisher({ log, clock: engines.clock, ids: engines.ids, source: `/media/${settings.node}`, actor: 'system:media' });
  const counters = new MediaCounters();
  const edges = new LiveEdges(settings.liveEdge, logger);
  const decoder = new DecoderProcess({
    program: ffmpeg.program,
    folder: join(settings.runPath, `${settings.mediaId}-samples`),
    runPath: join(settings.runPath, `${settings.mediaId}-decoders`),
  });
  context.lifecycle.onStop('engines', 'decoders of samples', () => decoder.close());
  const sampling = new Sampling({ facts, blobs, decoder });
  const overload = new Overload();
  const deps = { leases, blobs, facts, follower, runner, encoders, logger, counters, sampling, overload };
  const director = directorOf(settings, owner, ffmpeg.program, edges, deps);
  observeMedia(telemetry, director, counters);
  const recordings = await recordingsOf(settings, owner, ffmpeg.program, runner, engines, context);
  return {
    module: MediaRoot,
    providers: [
      { provide: StreamFollower, useValue: follower },
      { provide: StreamDirector, useValue: director },
      { provide: LiveEdges, useValue: edges },
      { provide: EffectWorkers, useValue: recordings },
    ],
  };
}

/** Stopped streams and pieces of streams are made into files here, where ffmpeg is; the projector asks for it by the ledger of effects. */
async function recordingsOf(
  { node, runPath, mediaId, recordingsMax }: MediaSettings,
  owner: string,
  program: string,
  runner: NodeProcessRunner,
  engines: Engines<'log' | 'database' | 'blobs' | 'jobs'>,
  { logger, telemetry }: AppContext<MediaSettings>,
): Promise<EffectWorkers> {
  const { log, reads, blobs, effects, jobs, clock, ids } = engines;
  const folder = join(runPath, `${mediaId}-recordings`);
  const worker = new RecordingWorker({ concurrency: recordingsMax, folder }, { log, reads, blobs, clock, runner, program, logger });
  const clips = new ClipWorker({ concurrency: recordingsMax, folder: join(runPath, `${mediaId}-clips`) }, { reads, blobs, clock, runner, program, logger });
  await Promise.all([worker.sweep(), clips.sweep()]);
  const source = `/media/${node}`;
  return new EffectWorkers({ workers: [worker, clips], owner }, { effects, jobs, clock, ids, source, logger, health: telemetry.health, telemetry });
}

function directorOf(settings: MediaSettings, owner: string, program: string, edges: LiveEdges, deps: LiveStreamDeps): StreamDirector {
  const { node, leaseTtlMs, feedBytesMax, vaapiDevice, failoverSilenceMs, failoverReturnMs } = settings;
  const times = { leaseTtlMs, failoverSilenceMs, failoverReturnMs };
  const preset = presets.indexOf(settings.preset);
  return new StreamDirector(
    { streamsMax: settings.streamsMax, retryMs: Math.min(2000, leaseTtlMs / 3) },
    {
      ...deps,
      refusesStreams: () => deps.overload?.refusesStreams === true,
      encode: async (streamId, stop) => {
        const init = { streamId, owner, node, program, preset, vaapiDevice, feedBytesMax, ...times, ...edges.of(streamId) };
        const done = await new LiveStream(init, deps).run(stop);
        if (deps.follower.get(streamId) === undefined) edges.forget(streamId);
        return done;
      },
    },
  );
}

/** Catches up with the log, then takes the live streams. At the end encoders store what they have before the log closes. */
export async function serveMedia(app: INestApplicationContext, { lifecycle }: AppContext): Promise<object> {
  const follower = app.get(StreamFollower);
  const director = app.get(StreamDirector);
  lifecycle.onStop('leases', 'follower', () => follower.stop());
  lifecycle.onStop('work', 'encoders', () => director.stop());
  const recordings = app.get(EffectWorkers);
  lifecycle.onStop('work', 'recordings', () => recordings.stop());
  const edges = app.get(LiveEdges);
  await edges.listen();
  lifecycle.onStop('work', 'live edge', () => edges.close());
  await follower.start();
  await recordings.start();
  director.start();
  return { streams: follower.states().length };
}
