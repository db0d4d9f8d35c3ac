import { hasCode } from '#kernel';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import type { GuardConfig } from './guard.config.ts';
import { untilSilent } from './silent-server.ts';

export interface GuardDeps {
  /** Writes one line of structured log. */
  readonly say: (line: Readonly<Record<string, unknown>>) => void;
  readonly nowMs: () => number;
  /** Aborted when the guard shall end. */
  readonly stopping: AbortSignal;
}

/** A server that dies sooner than this after its start would die again: the guard gives up and says so. */
const healableAfterMs = 5000;

/**
 * Keeps the server of a data folder running until told to stop. A server that was killed is started again at once on
 * the same port, and so is one that is frozen, after it was ended. Resolves to the exit code.
 */
export async function runGuard(config: GuardConfig, deps: GuardDeps): Promise<number> {
  for (;;) {
    const server = await start(config, deps);
    if (server === undefined) return deps.stopping.aborted ? 0 : 1;
    const startedAt = deps.nowMs();
    deps.say({ level: 30, msg: 'PostgreSQL serves', ready: true, url: server.url, pid: server.pid });
    const reason = await endOf(server, config, deps);
    if (reason === 'aborted') {
      await server.stop();
      return 0;
    }
    if (reason === 'frozen') {
      deps.say({ level: 50, msg: `PostgreSQL is frozen: it has not answered for ${config.frozenAfterMs / 1000} s; ending it`, code: 'POSTGRES_FROZEN' });
      await server.kill();
    }
    const healable = deps.nowMs() - startedAt >= healableAfterMs;
    deps.say({
      level: healable ? 40 : 60,
      msg: healable ? 'PostgreSQL ended unexpectedly; starting it again' : 'PostgreSQL ended right after its start; see postgres/log in the data folder',
      code: 'POSTGRES_DIED',
    });
    if (!healable) return 1;
  }
}

async function endOf(server: EmbeddedPostgres, config: GuardConfig, deps: GuardDeps): Promise<'ended' | 'aborted' | 'frozen'> {
  const watching = new AbortController();
  try {
    return await Promise.race([
      server.ended.then(() => 'ended' as const),
      aborted(deps.stopping),
      untilSilent(server.port, config.frozenAfterMs, watching.signal).then(() => 'frozen' as const),
    ]);
  } finally {
    watching.abort();
  }
}

async function start(config: GuardConfig, deps: GuardDeps): Promise<EmbeddedPostgres | undefined> {
  try {
    return await EmbeddedPostgres.start({ dataDir: config.dataDir, port: config.port, signal: deps.stopping });
  } catch (error) {
    if (hasCode(error, 'POSTGRES_START_ABORTED')) return undefined;
    const { message, code, cause } = error as Error & { code?: string };
    deps.say({ level: 60, msg: message, code, cause: cause instanceof Error ? cause.message : undefined });
    return undefined;
  }
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
