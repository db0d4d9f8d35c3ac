import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatingError } from '#kernel';
import type { Lease, LeaseStore } from '#ports';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './logging.ts';
import { pause } from './pause.ts';

/** The code of {@link claimName}'s refusal. */
export const nameTaken = 'NAME_TAKEN';

export interface NameClaim {
  /** What must be one in the whole installation, such as `projector/node-1/projector-1`. */
  readonly name: string;
  /** The setting that gives this process another name. */
  readonly setting: string;
  /** Of this machine's own files: who starts again with them is the same. */
  readonly runPath: string;
  readonly ttlMs?: number;
}

export interface NameClaimDeps {
  readonly leases: LeaseStore;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
}

/**
 * Holds a name as long as the process lives. Processes of one name take over from each other at once, which is right for
 * one that starts again, and ruin for two machines that were both left with the default: they cut each other's streams off.
 * @throws OperatingError `NAME_TAKEN` when another machine's process of that name lives; or as the lease store does
 */
export async function claimName(claim: NameClaim, { leases, lifecycle, logger }: NameClaimDeps): Promise<void> {
  const { ttlMs = 9000, runPath } = claim;
  const [name, owner] = [`name/${claim.name}`, await installationOf(runPath)];
  let lease = await acquired(leases, { name, owner, ttlMs }, lifecycle.stopping);
  if (lease === undefined) throw taken(claim);
  const keeping = (async () => {
    for (let warned = false; ;) {
      await pause(ttlMs / 3, lifecycle.stopping);
      if (lifecycle.stopping.aborted) return;
      try {
        if (lease !== undefined && (await leases.renew(lease, ttlMs))) continue;
        lease = await leases.acquire(name, owner, ttlMs);
        if (lease === undefined && !warned) logger.error({ name: claim.name }, taken(claim).message);
        warned = lease === undefined;
      } catch (err) {
        logger.debug({ err, name: claim.name }, 'the claim of a name could not be renewed');
      }
    }
  })();
  lifecycle.onStop('leases', `name ${claim.name}`, async () => {
    await keeping;
    if (lease !== undefined) await leases.release(lease);
  });
}

/** A machine that died holds its name until its lease ends: that long another one that replaces it waits. */
async function acquired(
  leases: LeaseStore,
  { name, owner, ttlMs }: { readonly name: string; readonly owner: string; readonly ttlMs: number },
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const end = performance.now() + ttlMs * 1.2;
  for (;;) {
    const lease = await leases.acquire(name, owner, ttlMs);
    if (lease !== undefined || signal.aborted || performance.now() > end) return lease;
    await pause(ttlMs / 10, signal);
  }
}

function taken({ name, setting }: NameClaim): OperatingError {
  return new OperatingError(`Another machine runs as ${name} already. Give each machine a name of its own: set ${setting}.`, {
    code: nameTaken,
    retryable: false,
  });
}

/** What tells the files of this machine from those of another; made once. */
async function installationOf(runPath: string): Promise<string> {
  const file = join(runPath, 'installation');
  await mkdir(runPath, { recursive: true });
  await writeFile(file, `${randomUUID()}\n`, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const id = (await readFile(file, 'utf8')).trim();
  // Somebody else's write is under way: what is read then is not whole.
  if (id.length < 36) throw new OperatingError(`The file ${file} holds no id.`, { code: 'STATE_UNREADABLE', retryable: true });
  return id;
}
