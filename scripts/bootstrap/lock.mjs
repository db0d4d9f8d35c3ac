import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain, say } from './say.mjs';

/** When a process started, in ticks since boot: with its id it names a process for good. Undefined when it is gone. */
export function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return process.platform === 'linux' ? undefined : aliveElsewhere(pid);
  }
}

/** Without /proc all that can be told is whether somebody has the id. */
function aliveElsewhere(pid) {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return error.code === 'EPERM' ? 'alive' : undefined;
  }
}

/**
 * Runs `work` while no other process of this checkout does. The lock names its holder, so that one left behind by a
 * killed process is taken over at once.
 */
export async function withLock(path, work) {
  const mine = `${process.pid} ${startTicks(process.pid)} ${Date.now()}`;
  await acquire(path, mine);
  try {
    return await work();
  } finally {
    if (read(path) === mine) rmSync(path, { force: true });
  }
}

async function acquire(path, mine) {
  let told = false;
  while (!tryAcquire(path, mine)) {
    const holder = read(path);
    if (holder !== undefined && isStale(holder)) {
      evict(path, holder);
      continue;
    }
    if (!told) say(`Waiting for another build in this checkout (process ${holder?.split(' ')[0] ?? 'unknown'}) …`);
    told = true;
    await sleep(100);
  }
}

/** Linking a finished file is atomic: nobody ever reads a lock without its holder's name. */
function tryAcquire(path, mine) {
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(draft, mine);
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw explain(error, dirname(path));
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isStale(holder) {
  const [pid, ticks] = holder.split(' ');
  return startTicks(Number(pid)) !== ticks;
}

/** Takes the dead holder's lock away; should a live one have come in between, gives it back. */
function evict(path, stale) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (read(aside) !== stale) linkSync(aside, path);
  } catch {
    // Somebody else was faster: the next round looks again.
  } finally {
    rmSync(aside, { force: true });
  }
}
