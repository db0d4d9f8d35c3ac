import { createLogger, endOnError, endOnSignal, Lifecycle, misconfigured, backOffMs, pause, type Environment, type Logger } from '#runtime';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { edgeLimits } from '../edge.constants.ts';
import type { EdgeSettings } from '../edge.config.ts';
import { EdgeChild, silentTurnsMax, type Ready } from './edge-child.ts';
import { nodeProcessesVariable, nodeVariable } from '../fleet/fleet.config.ts';
import { sharedPortVariable, siblingsText, siblingsVariable } from './processes.config.ts';
import { dueForReplacement } from './recycling.policy.ts';

const lookEveryMs = 1000;
const stopGraceMs = edgeLimits.drainMs + 4000;
/** Beyond the time in which clients go by themselves: new connections are handed over, and what is under way ends. */
const leaveGraceMs = stopGraceMs + 5000;
const standInRetryMs = 60_000;
/** Between the ports for watchers of two processes. */
const watchPortStep = 10;

/** A port that processes share is taken without a word by whoever may share it: so a stranger's is looked for before. @throws Error with `code` EADDRINUSE */
async function assertFree(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer().listen(port, host);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

async function residentBytes(pid: number | undefined): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/**
 * Several processes that serve one address, each a whole edge: with its own memory, its own place in the purges and its own
 * name (`edge-1`, `edge-1.1`, …), so that a purge counts as applied when each of them has said so.
 */
class EdgeProcesses {
  readonly #settings: EdgeSettings;
  readonly #logger: Logger;
  readonly #stopping: AbortSignal;
  readonly #children: EdgeChild[] = [];
  /** Serves while one of the others is replaced: in the place after theirs, with a name and a memory of its own. */
  #standIn: EdgeChild | undefined;
  #replacing: Promise<void> | undefined;
  #ports: Ready | undefined;
  /** Of the sockets by which processes fetch for each other; short, because a socket's path is. */
  #folder = '';

  constructor(settings: EdgeSettings, logger: Logger, stopping: AbortSignal) {
    this.#settings = settings;
    this.#logger = logger;
    this.#stopping = stopping;
  }

  /** The first finds out where: the system may choose the port. @returns undefined when they cannot serve with these settings, or were stopped */
  async start(): Promise<Ready | undefined> {
    const { host, listening, processes } = this.#settings;
    this.#folder = await mkdtemp(join(tmpdir(), 'streams-edge-'));
    await assertFree(host, listening.port);
    if (listening.tls !== undefined) await assertFree(host, listening.tls.port);
    this.#ports = await this.#launch(0).ready;
    if (this.#ports === undefined) return undefined;
    const others = Array.from({ length: processes.count - 1 }, (_none, at) => this.#launch(at + 1).ready);
    const all = await Promise.all(others);
    return all.every((ready) => ready !== undefined) ? this.#ports : undefined;
  }

  /** Starts again what has ended, ends what stands still, replaces what is old or large. */
  async keep(): Promise<void> {
    const loops = this.#children.map((_child, at) => this.#keepOne(at));
    while (!this.#stopping.aborted) {
      await pause(lookEveryMs, this.#stopping);
      await this.#look();
    }
    await Promise.all([...loops, this.#replacing]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((child) => child.stop(stopGraceMs)));
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }

  get #all(): readonly EdgeChild[] {
    return this.#standIn === undefined ? this.#children : [...this.#children, this.#standIn];
  }

  #launch(at: number): EdgeChild {
    const child = this.#spawn(at);
    this.#children[at] = child;
    return child;
  }

  #spawn(at: number): EdgeChild {
    const script = process.argv[1] as string;
    return new EdgeChild(process.execPath, [...process.execArgv, script], this.#environmentOf(at), () => Date.now());
  }

  #environmentOf(at: number): Environment {
    const { disk, edgeId, listening, memoryBytesMax, processes } = this.#settings;
    const share = (bytes: number): string => String(Math.max(1, Math.floor(bytes / processes.count / 1_048_576)));
    const { environment } = processes;
    const watch = environment['METRICS_PORT'];
    return {
      ...environment,
      STREAMS_SUPERVISED: '1',
      LOG_FORMAT: 'json',
      [sharedPortVariable]: '1',
      [siblingsVariable]: siblingsText({ index: at, count: processes.count, folder: this.#folder }),
      EDGE_PROCESSES: '1',
      [nodeVariable]: edgeId,
      [nodeProcessesVariable]: String(processes.count),
      EDGE_RECYCLE_HOURS: '0',
      EDGE_RECYCLE_MB: '0',
      EDGE_ID: at === 0 ? edgeId : `${edgeId}.${at}`,
      EDGE_MEMORY_MB: share(memoryBytesMax),
      // Who stands in is there for too short a time to fill a disk.
      EDGE_DISK_MB: disk === undefined || at === processes.count ? '0' : share(disk.bytesMax),
      EDGE_PORT: String(this.#ports?.port ?? listening.port),
      EDGE_TLS_PORT: String(this.#ports?.tlsPort ?? listening.tls?.port ?? 0),
      // Packets of one QUIC connection would be shared out among the processes.
      ...(at === 0 ? {} : { EDGE_HTTP3: '0' }),
      ...(watch === undefined || watch === '' ? {} : { METRICS_PORT: String(Number(watch) + watchPortStep * at) }),
    };
  }

  async #keepOne(at: number): Promise<void> {
    for (let failures = 0; !this.#stopping.aborted;) {
      const child = this.#children[at] as EdgeChild;
      const code = await child.ended;
      if (this.#stopping.aborted) return;
      failures = child.stopping || Date.now() - child.startedMs > 60_000 ? 0 : failures + 1;
      const delayMs = child.stopping ? 0 : backOffMs(failures, 100, 10_000);
      if (!child.stopping) this.#logger.error(`process ${at} of the edge ended with code ${code}; starting it again in ${Math.round(delayMs)} ms`);
      await pause(delayMs, this.#stopping);
      if (!this.#stopping.aborted) this.#launch(at);
    }
  }

  async #look(): Promise<void> {
    const now = Date.now();
    for (const [at, child] of this.#all.entries()) {
      if (!(await child.isFrozen()) || child.stopping) continue;
      this.#logger.error(`process ${at} of the edge is frozen: it has said nothing for ${(silentTurnsMax * lookEveryMs) / 1000} s; ending it`);
      child.kill();
    }
    const seen = await Promise.all(
      this.#children.map(async ({ pid, serving, startedMs }) => ({ serving, ageMs: now - startedMs, residentBytes: await residentBytes(pid) })),
    );
    const due = dueForReplacement(seen, this.#settings.processes);
    if (due === undefined || this.#stopping.aborted || this.#replacing !== undefined) return;
    this.#replacing = this.#replace(due.at, due.why)
      .catch((err: unknown) => this.#logger.error({ err }, `process ${due.at} of the edge could not be replaced`))
      .finally(() => (this.#replacing = undefined));
  }

  /**
   * There are never fewer that serve than should be: one stands in, then the old one leaves, its successor takes over its
   * name, its disk and its place in the log, which two cannot have at once, and only then the one that stood in leaves.
   */
  async #replace(at: number, why: string): Promise<void> {
    this.#logger.info(`process ${at} of the edge is replaced: ${why}`);
    const graceMs = this.#settings.processes.leaveMs + leaveGraceMs;
    const standIn = (this.#standIn = this.#spawn(this.#settings.processes.count));
    void standIn.ended.then(() => (this.#standIn = undefined));
    if ((await standIn.ready) === undefined) {
      if (this.#stopping.aborted) return;
      this.#logger.error(`process ${at} of the edge stays: none could be started to stand in for it`);
      await pause(standInRetryMs, this.#stopping);
      return;
    }
    if (this.#stopping.aborted) return;
    await this.#children[at]?.leave(graceMs);
    while (!this.#stopping.aborted && this.#children[at]?.serving !== true) await pause(lookEveryMs / 10, this.#stopping);
    if (!this.#stopping.aborted) await standIn.leave(graceMs);
  }
}

/** Runs the edge as several processes until it is told to stop. */
export async function runEdgeProcesses(settings: EdgeSettings): Promise<void> {
  process.umask(0o077);
  const logger = await createLogger({ name: 'edge', ...settings });
  const lifecycle = new Lifecycle({ logger, deadlineMs: stopGraceMs + 1000 });
  endOnError(logger);
  endOnSignal(logger, lifecycle, settings.supervised);
  const processes = new EdgeProcesses(settings, logger, lifecycle.stopping);
  lifecycle.onStop('accept', 'processes', () => processes.stop());
  const ports = await processes.start().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    logger.fatal(`Port ${(error as { port?: number }).port ?? ''} is taken: stop what listens there, or set EDGE_PORT or EDGE_TLS_PORT to another port.`);
    process.exit(misconfigured);
  });
  if (lifecycle.stopping.aborted) return;
  if (ports === undefined) {
    await processes.stop();
    process.exit(misconfigured);
  }
  const { port, tlsPort } = ports;
  const url = `http://${settings.publicHost}:${port}`;
  logger.info(
    { ready: true, url, port, tlsPort, processes: settings.processes.count },
    `edge ${settings.edgeId} serves ${settings.originUrls.join(', ')} at ${url} by ${settings.processes.count} processes`,
  );
  await processes.keep();
}
