import type { StreamsSettings } from '../streams.config.ts';

/** Apps that can be watched, in the order of their ports. */
export const watchedApps = ['gateway', 'projector', 'ingest', 'media', 'edge'] as const;
export type WatchedAppName = (typeof watchedApps)[number];

/** The port at which an app should serve its metrics; 0 lets the system choose. Undefined for programs that have none. */
export function watchPortOf({ metricsPort }: Pick<StreamsSettings, 'metricsPort'>, name: string): number | undefined {
  // Behind those that always run.
  const at = name === 'steering' ? watchedApps.length : watchedApps.indexOf(name as WatchedAppName);
  if (at < 0) return undefined;
  return metricsPort === 0 ? 0 : metricsPort + at;
}

export interface Watched {
  readonly app: WatchedAppName;
  readonly url: string;
  /** What it says of its health; undefined when nobody of ours answers there. */
  readonly health: { readonly status: string; readonly problems: readonly string[]; readonly remarks: readonly string[] } | undefined;
}

const answerWithinMs = 1500;

/** Asks every app at the port where it should be. */
export function askWatched(settings: Pick<StreamsSettings, 'metricsPort'>): Promise<readonly Watched[]> {
  return Promise.all(
    watchedApps.map(async (app) => {
      const url = `http://127.0.0.1:${watchPortOf(settings, app)}`;
      return { app, url, health: await healthAt(url, app) };
    }),
  );
}

async function healthAt(url: string, app: string): Promise<Watched['health']> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(answerWithinMs) });
    const health = (await response.json()) as { app?: unknown; status?: unknown; problems?: unknown; remarks?: unknown };
    if (health.app !== app || typeof health.status !== 'string' || !Array.isArray(health.problems)) return undefined;
    const remarks = Array.isArray(health.remarks) ? health.remarks.map(String) : [];
    return { status: health.status, problems: health.problems.map(String), remarks };
  } catch {
    return undefined;
  }
}
