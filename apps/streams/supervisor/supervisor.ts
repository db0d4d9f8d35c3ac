import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closeDataFolder } from '../machine/data-folder.ts';
import { checkDiskSpace, freeBytes, freeBytesLow } from '../machine/disk-space.ts';
import { checkEventLog } from '../machine/event-log-file.ts';
import { checkFfmpeg } from '../machine/ffmpeg.ts';
import { InstanceLock } from '../machine/instance-lock.ts';
import { forgetPorts, writePorts } from '../machine/run-ports.ts';
import { checkPorts } from '../machine/ports.ts';
import { RunFolder } from '../machine/run-folder.ts';
import type { StreamsSettings } from '../streams.config.ts';
import { messageOf, PlainFailure } from '../streams.errors.ts';
import type { Program } from './child.ts';
import type { LogLine } from './log-line.ts';
import type { LogView } from './log-view.ts';
import { entryOf, environmentOf, programOf, watchEnvironmentOf, type AppName } from './programs.ts';
import { StartFailure, SupervisedApp } from './supervised-app.ts';

/** Who ends when, and how long each may take; the sum stays below the ten seconds that Ctrl-C may take. */
export const stopOrder: ReadonlyArray<{ readonly apps: readonly AppName[]; readonly graceMs: number }> = [
  { apps: ['demo'], graceMs: 800 },
  { apps: ['steering', 'ingest', 'edge', 'gateway'], graceMs: 2500 },
  { apps: ['media'], graceMs: 3500 }, // its encoders finish their last segment
  { apps: ['projector'], graceMs: 1000 },
  { apps: ['postgres'], graceMs: 1800 },
];

const startAttemptsMax = 3;
/** Whoever reads a long log first says that it moves on, and gets as long again. */
const readyWithinMs = 60_000;
/** After a crash, or restored, a database goes over what it has not in its tables yet; it gives up by itself before. */
const postgresReadyWithinMs = 660_000;
/** Brokers that are away are waited for, which the apps say. */
const readyWithinKafkaMs = 3_600_000;
const diskCheckMs = 30_000;

/** Replaces the programs, for tests with small ones. */
export type ProgramOf = (settings: StreamsSettings, name: AppName, env: Program['env']) => Program;

export interface SupervisorInit {
  readonly settings: StreamsSettings;
  readonly view: LogView;
  readonly programOf?: ProgramOf;
}

/** PostgreSQL's address comes with its password, which no log needs. */
function withoutPassword(line: LogLine): LogLine {
  const url = line.fields['url'];
  return typeof url === 'string' && url.startsWith('postgresql:') ? { ...line, fields: { ...line.fields, url: url.replace(/:[^:@/]*@/, '@') } } : line;
}

/** The platform on one machine: one process per app, kept running until told to stop. */
export class Supervisor {
  readonly run = randomUUID();
  readonly #settings: StreamsSettings;
  readonly #view: LogView;
  readonly #programOf: ProgramOf;
  readonly #apps = new Map<AppName, SupervisedApp>();
  readonly #serving = new Map<AppName, PromiseWithResolvers<void>>();
  #folder: RunFolder | undefined;
  #lock: InstanceLock | undefined;
  #databaseUrl: string | undefined;
  #diskTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(init: SupervisorInit) {
    this.#settings = init.settings;
    this.#view = init.view;
    this.#programOf = init.programOf ?? programOf;
    this.#databaseUrl = init.settings.databaseUrl;
  }

  get stopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** What the apps get to know. */
  get environment(): Record<string, string | undefined> {
    return environmentOf(this.#settings, this.run, this.#databaseUrl);
  }

  /**
   * Starts everything; resolves once all of it serves.
   * @throws PlainFailure when this machine or its data folder is not fit for it; everything is stopped again then.
   */
  async start(): Promise<void> {
    try {
      await this.#prepare();
      await this.#startApps();
    } catch (error) {
      await this.stop();
      throw error instanceof StartFailure ? new PlainFailure(error.message) : error;
    }
  }

  async #prepare(): Promise<void> {
    const { dataDir, runPath, ports, host } = this.#settings;
    if (!existsSync(entryOf(this.#settings, 'gateway'))) throw new PlainFailure('The project is not built: run "npm run build" first.');
    this.#lock = InstanceLock.acquire(join(runPath, 'supervisor.lock'), dataDir);
    this.#folder = new RunFolder(runPath, this.run);
    const swept = await this.#folder.sweep();
    if (swept.length > 0) this.#view.say('warn', `ended what an earlier run left behind: ${swept.join(', ')}`);
    await Promise.all([checkPorts(ports, host), checkDiskSpace(dataDir), checkFfmpeg(this.#settings.ffmpegPath), checkEventLog(this.#settings)]);
    this.#closeDataFolder();
    writePorts(runPath, ports);
    this.#diskTimer = setInterval(() => void this.#watchDisk(), diskCheckMs).unref();
  }

  #closeDataFolder(): void {
    const { dataDir } = this.#settings;
    try {
      const closed = closeDataFolder(dataDir);
      if (closed.length > 0) this.#view.say('info', `closed to other users: ${closed.join(', ')}`);
    } catch (error) {
      this.#view.say('warn', `other users may read the data folder ${dataDir}, and it cannot be closed (${messageOf(error)}): make it yours with mode 0700`);
    }
  }

  /**
   * All at once, except where there is nothing yet: the first two make the tables and topics that the others expect. The ingest
   * waits for them: it decides who may publish, and does not look whether the database is older than the log, as they do.
   */
  async #startApps(): Promise<void> {
    const isNew = this.#settings.kafka !== undefined || !existsSync(this.#settings.logPath);
    if (this.#databaseUrl === undefined) await this.#startPostgres();
    const makers = Promise.all((['projector', 'gateway'] as const).map((name) => this.launch(name)));
    if (isNew) await makers;
    const others = ['edge', 'media', ...(this.#settings.steering ? (['steering'] as const) : [])] as const;
    await Promise.all([makers.then(() => this.launch('ingest')), ...others.map((name) => this.launch(name))]);
  }

  async #startPostgres(): Promise<void> {
    const line = await this.launch('postgres', 1);
    const url = line.fields['url'];
    if (typeof url !== 'string') throw new PlainFailure('The embedded PostgreSQL did not say where it serves.');
    this.#databaseUrl = url;
    const postgres = this.#apps.get('postgres');
    if (postgres !== undefined) postgres.onReadyAgain = (again) => this.#followPostgres(again.fields['url']);
  }

  /** PostgreSQL comes back on the same port unless somebody took it meanwhile. */
  #followPostgres(url: unknown): void {
    if (typeof url !== 'string' || url === this.#databaseUrl) return;
    this.#databaseUrl = url;
    this.#view.say('warn', 'PostgreSQL has moved to another port: starting the apps again');
    for (const [name, app] of this.#apps) if (name !== 'postgres' && name !== 'demo') app.bounce();
  }

  /** Starts an app and waits until it serves. @throws StartFailure */
  launch(name: AppName, attemptsMax = startAttemptsMax, env: Readonly<Record<string, string>> = {}): Promise<LogLine> {
    const app = new SupervisedApp({
      name,
      program: () => this.#programOf(this.#settings, name, { ...this.environment, ...watchEnvironmentOf(this.#settings, name), ...env }),
      onLine: (line) => this.#view.show(withoutPassword(line)),
      onStarted: (pid) => this.#folder?.enter(name, pid),
      onEnded: () => this.#folder?.leave(name),
      startAttemptsMax: attemptsMax,
      readyWithinMs: this.#readyWithinMs(name),
      frozenAfterMs: this.#settings.frozenAfterMs,
    });
    if (this.stopping) return Promise.reject(new PlainFailure('The start was interrupted.'));
    this.#apps.set(name, app);
    app.start();
    void app.ready.then(
      () => this.#servingOf(name).resolve(),
      () => undefined,
    );
    return app.ready;
  }

  #readyWithinMs(name: AppName): number {
    if (name === 'postgres') return postgresReadyWithinMs;
    return this.#settings.kafka === undefined ? readyWithinMs : readyWithinKafkaMs;
  }

  /** Resolves once an app serves for the first time; never, when it does not come to that. */
  serving(name: AppName): Promise<void> {
    return this.#servingOf(name).promise;
  }

  #servingOf(name: AppName): PromiseWithResolvers<void> {
    const known = this.#serving.get(name) ?? Promise.withResolvers<void>();
    this.#serving.set(name, known);
    return known;
  }

  async #watchDisk(): Promise<void> {
    const free = await freeBytes(this.#settings.dataDir).catch(() => undefined);
    if (free === undefined || free >= freeBytesLow) return;
    this.#view.say(
      'warn',
      `only ${Math.floor(free / 1024 / 1024)} MB are free on the disk that holds ${this.#settings.dataDir}: free some space, or live streams will stop being recorded`,
    );
  }

  /** Ends everything in order; the same promise however often it is called. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    if (this.#folder !== undefined) forgetPorts(this.#settings.runPath);
    clearInterval(this.#diskTimer);
    for (const { apps, graceMs } of stopOrder) {
      await Promise.all(apps.map(async (name) => this.#apps.get(name)?.stop(graceMs)));
    }
    this.#lock?.[Symbol.dispose]();
  }

  /** Ends everything at once. */
  killAll(): void {
    for (const app of this.#apps.values()) app.kill();
  }
}
