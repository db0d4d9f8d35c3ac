import type { BuildClaim, Clock, ProjectionBuilds } from '#ports';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';
import type { BulkLoad } from './bulk-load.ts';
import type { ReplayProgress } from './replay-progress.ts';

export interface ToldLoad {
  readonly claim: BuildClaim;
  readonly load: BulkLoad;
  readonly progress: ReplayProgress;
}

export interface TellProgressDeps {
  readonly builds: ProjectionBuilds;
  readonly clock: Clock;
  readonly logger: Logger;
}

const everyMs = 500;

/** Notes how far a load is, from its beginning on, until `stop`; that it cannot be noted does not hold up the load. */
export async function tellProgress({ claim, load, progress }: ToldLoad, { builds, clock, logger }: TellProgressDeps, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      await builds.note(claim, progress.look(Math.max(0, (await load.left()) - (load.ran ? 0 : progress.records)), clock.now()));
    } catch (err) {
      logger.debug({ err }, 'the progress of a replay could not be told');
    }
    await pause(everyMs, stop);
  }
}
