import { runningPostgres } from '#adapters/embedded-postgres';
import { openEngines } from '#adapters/engines';
import { logDigests, readSharedSettings, RegionSecrets, rowDigests, type RegionDigests } from '#runtime';
import { projections } from '#read-models';
import { mirroredProjections, mirroredTopics } from './mirrored.constants.ts';

interface Digests {
  readonly log: string;
  readonly rows: boolean;
  /** What stands for `REGION_SECRET`, as it does in events; null where there is none. */
  readonly secretCheck: string | null;
  /** Of the secrets of REGION_SECRETS_FORMER, by which it knows subjects, too. */
  readonly formerChecks: readonly string[];
  readonly parts: RegionDigests;
}

/** Of the log, and of the rows: of the database that is named, or else of the embedded one, if it runs. */
async function digests(): Promise<Digests> {
  const shared = readSharedSettings();
  const settings = { ...shared, databaseUrl: shared.databaseUrl ?? (await runningPostgres(shared.runPath)) };
  const rows = settings.databaseUrl !== undefined;
  const engines = await openEngines(settings, 'log');
  try {
    const parts = new Map(await logDigests(engines.log, mirroredTopics));
    if (rows) {
      const database = await openEngines(settings, 'database');
      try {
        const tables = mirroredProjections(projections).flatMap((projection) => projection.tables);
        for (const [name, digest] of await rowDigests(database.reads, tables, { since: horizons(await database.rowRetention.keeps(), Date.now()) }))
          parts.set(name, digest);
      } finally {
        await database.close();
      }
    }
    const { check: secretCheck = null, checks } = new RegionSecrets(settings.regionSecrets);
    const formerChecks = checks.filter((check) => check !== secretCheck);
    return { log: await engines.log.identity(), rows, secretCheck, formerChecks, parts };
  } finally {
    await engines.close();
  }
}

const hourMs = 3_600_000;

/** Two regions are asked at two moments: by whole hours, and one more, so that both leave out the same. */
function horizons(keeps: ReadonlyMap<string, number>, now: number): ReadonlyMap<string, number> {
  return new Map([...keeps].map(([table, keepMs]) => [table, (Math.floor((now - keepMs) / hourMs) + 2) * hourMs]));
}

/** Prints one line of JSON: which log, whether rows are in it, what stands for the secrets, and a digest by the name of each part. */
try {
  const { parts, ...about } = await digests();
  console.log(JSON.stringify({ ...about, takenAt: new Date().toISOString(), parts: Object.fromEntries(parts) }));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
