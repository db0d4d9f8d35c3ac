import { misconfigured, pause, ProcessorWait, SilenceWatch } from '#runtime';
import { PlainFailure } from '../streams.errors.ts';
import { ReadyDeadline } from './ready-deadline.ts';
import { Child, type Exit, type Program } from './child.ts';
import type { LogLine } from './log-line.ts';
import { afterExit, calm, restartSettings, type RestartSettings, type RestartState } from './restart.policy.ts';

export interface SupervisedAppInit {
  readonly name: string;
  /** Asked before each run: an engine may have moved. */
  readonly program: () => Program;
  readonly onLine: (line: LogLine) => void;
  readonly onStarted: (pid: number) => void;
  readonly onEnded: () => void;
  /** Runs that may end before the first one is ready, until the start counts as failed. */
  readonly startAttemptsMax: number;
  /** A run that is not ready after this time, nor moves on within it, is ended, ms. Time in which it finds no processor does not count. */
  readonly readyWithinMs: number;
  /** A run that was alive and has said nothing for so long is frozen, and ended, ms. Time in which it finds no processor does not count. */
  readonly frozenAfterMs: number;
  readonly restart?: RestartSettings;
}

/** Turns of the watch in the time after which a silent process counts as frozen. */
const silentTurnsMax = 5;
/** A process that stands in line for more of its time than this is starved. */
const starvedShare = 0.5;

/** Why a run is over: by itself, or ended because it said nothing any more, or was not ready in time. */
type Cause = 'ended' | 'frozen' | 'late';

/** Thrown by {@link SupervisedApp.ready} when an app cannot be started. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';

  constructor(app: string, exit: Exit) {
    const reason = exit.reason === '' ? `it ended with ${exit.signal ?? `code ${exit.code}`} before it was ready` : exit.reason;
    // Most apps begin their last words with the same.
    super(reason.startsWith(`${app} cannot start`) ? reason : `${app} cannot start: ${reason}`);
  }
}

/** An app that is kept running: started again after every end, ever more slowly while it keeps failing. */
export class SupervisedApp {
  readonly name: string;
  /** The first ready line. @throws StartFailure, or PlainFailure when it was stopped before */
  readonly ready: Promise<LogLine>;
  /** Called with every ready line after the first. */
  onReadyAgain: (line: LogLine) => void = () => undefined;
  readonly #init: SupervisedAppInit;
  readonly #firstReady = Promise.withResolvers<LogLine>();
  readonly #stopping = new AbortController();
  #wasReady = false;
  #attempts = 0;
  #cause: Cause = 'ended';
  readonly #restarts = new Map<Cause, number>();
  #state: RestartState = calm;
  #child: Child | undefined;
  #loop: Promise<void> | undefined;

  constructor(init: SupervisedAppInit) {
    this.#init = init;
    this.name = init.name;
    this.ready = this.#firstReady.promise;
    // Whoever waits hears of it; an app that is stopped first has nobody waiting.
    this.ready.catch(() => undefined);
  }

  start(): void {
    this.#loop ??= this.#run().finally(() => this.#firstReady.reject(new PlainFailure('The start was interrupted.')));
  }

  /** Ends the current run; the next one begins as after a crash. */
  bounce(): void {
    this.#child?.kill();
  }

  /** Ends the app for good: politely, and by force after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop(graceMs);
    await this.#loop;
  }

  /** Ends the app for good, at once. */
  kill(): void {
    this.#stopping.abort();
    this.#child?.kill();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const begun = performance.now();
      const exit = await this.#runOnce();
      if (this.#stopping.signal.aborted) return;
      if (this.#givesUp(exit)) return;
      const { state, delayMs } = afterExit(this.#state, performance.now() - begun, this.#init.restart ?? restartSettings);
      this.#state = state;
      this.#restarts.set(this.#cause, (this.#restarts.get(this.#cause) ?? 0) + 1);
      this.#say('warn', `${this.name} ended with ${exit.signal ?? `code ${exit.code}`}; starting it again in ${delayMs} ms`, { failures: state.failures });
      await pause(delayMs, this.#stopping.signal);
    }
  }

  async #runOnce(): Promise<Exit> {
    this.#cause = 'ended';
    const silence = new SilenceWatch(silentTurnsMax);
    const onHeard = (isBeat: boolean, moved: boolean): void => {
      silence.heard(isBeat);
      if (moved) deadline.putOff();
    };
    const child: Child = new Child({ ...this.#program(), onLine: this.#init.onLine, onHeard });
    const deadline = this.#deadlineOf(child);
    this.#child = child;
    if (child.pid !== undefined) this.#init.onStarted(child.pid);
    const watch = this.#watch(child, silence);
    void child.ready.then((line) => {
      deadline.met();
      this.#becameReady(line);
    });
    const exit = await child.exited;
    deadline.met();
    clearInterval(watch);
    child.killGroup();
    this.#child = undefined;
    this.#init.onEnded();
    return exit;
  }

  #deadlineOf(child: Child): ReadyDeadline {
    const { readyWithinMs: ms } = this.#init;
    const wait = new ProcessorWait(child.pid);
    return new ReadyDeadline({
      ms,
      waitShare: () => wait.share(),
      onStarved: (givenMs) => this.#starved(child, `it is not ready yet, and has ${Math.ceil(givenMs / 1000)} s more, as long as it found no processor`),
      onLate: () => this.#end(child, 'late', `was not ready within ${ms / 1000} s`),
    });
  }

  #watch(child: Child, silence: SilenceWatch): NodeJS.Timeout {
    const { frozenAfterMs } = this.#init;
    const wait = new ProcessorWait(child.pid);
    let isTold = false;
    return setInterval(async () => {
      const share = await wait.share();
      const isSilent = silence.turns > 0;
      if (silence.turn(share)) return this.#end(child, 'frozen', `is frozen: it has said nothing for ${frozenAfterMs / 1000} s`);
      if (isSilent && share > starvedShare && !isTold) this.#starved(child, `it stood in line for ${Math.round(share * 100)} % of the time`);
      isTold = share > starvedShare && (isTold || isSilent);
    }, frozenAfterMs / silentTurnsMax);
  }

  #starved(child: Child, what: string): void {
    this.#say('warn', `${this.name} hardly finds a processor, the machine does not keep up: ${what}`, { pid: child.pid });
  }

  /** What it is to run, and how often it was started again and why, which it shows as a metric. */
  #program(): Program {
    const program = this.#init.program();
    const restarts = [...this.#restarts].map(([cause, count]) => `${cause}:${count}`).join(',');
    return { ...program, env: { ...program.env, STREAMS_RESTARTS: restarts } };
  }

  #end(child: Child, cause: Cause, why: string): void {
    this.#cause = cause;
    this.#say('error', `${this.name} ${why}; ending it`, { pid: child.pid });
    child.kill();
  }

  #becameReady(line: LogLine): void {
    const isFirst = !this.#wasReady;
    this.#wasReady = true;
    if (isFirst) this.#firstReady.resolve(line);
    else this.onReadyAgain(line);
  }

  #givesUp(exit: Exit): boolean {
    this.#attempts++;
    const isHopeless = exit.code === misconfigured;
    if (this.#wasReady || (!isHopeless && this.#attempts < this.#init.startAttemptsMax)) return false;
    this.#firstReady.reject(new StartFailure(this.name, exit));
    return true;
  }

  #say(level: string, msg: string, fields: Readonly<Record<string, unknown>>): void {
    this.#init.onLine({ app: 'streams', level, msg, timeMs: Date.now(), fields });
  }
}
