import type { Logger } from '#runtime';
import type { MediaCounters } from '../media-counters.ts';
import type { Adaptation, EncodingFacts } from './encoding-facts.ts';
import type { Overload } from './overload.ts';
import { Shedding, type ShedLevel, type ShedStep } from './shedding.core.ts';

export interface LoadStepsInit {
  readonly streamId: string;
  /** Index into the presets to begin with. */
  readonly preset: number;
  /** How long the machine must have kept up before something that was given up is tried again; a minute by default. */
  readonly shedCalmMs?: number | undefined;
}

export interface LoadStepsDeps {
  readonly logger: Logger;
  readonly counters?: MediaCounters | undefined;
  /** Told while a stream has nothing left to give up. */
  readonly overload?: Overload | undefined;
}

/** Where a step is told. */
interface Told {
  readonly encoding: EncodingFacts;
  /** The `encoding.started` of the run that showed the need. */
  readonly encodingId: string | undefined;
}

const givenUp: Readonly<Record<Exclude<Adaptation['step'], 'preset' | 'pass-through' | 'picture'>, string>> = {
  'top-rung': 'its highest encoded rendition is left out',
  'frame-rate': 'every second frame is left out',
  'new-streams': 'no other stream is begun here',
  media: 'media is left out; use a smaller ladder or more cores',
};

const takenBack: Readonly<Record<Exclude<ShedStep['step'], 'preset'>, string>> = {
  'top-rung': 'its highest encoded rendition is back',
  'frame-rate': 'every frame is encoded again',
  'new-streams': 'other streams are begun here again',
};

/** What a stream gives up while its machine is too slow, and has back when that has kept up: decided, told on the log, and timed. */
export class LoadSteps {
  readonly #init: LoadStepsInit;
  readonly #deps: LoadStepsDeps;
  readonly #shedding: Shedding;
  /** The run was asked to end so that a step can be taken back. */
  #raising = false;

  constructor(init: LoadStepsInit, deps: LoadStepsDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#shedding = new Shedding(init.preset, init.shedCalmMs);
  }

  get level(): ShedLevel {
    return this.#shedding.level;
  }

  /** Gives up one thing more; `media` when there is nothing left but what cannot be encoded in time. */
  async giveUp({ encoding, encodingId }: Told): Promise<Adaptation['step']> {
    const given = this.#shedding.tooSlow(performance.now());
    const { counters, overload, logger } = this.#deps;
    if (counters !== undefined) counters.encoderSteps += 1;
    overload?.set(this.#init.streamId, this.level.refusesStreams);
    const step = given?.step ?? 'media';
    const what = given?.step === 'preset' ? `going on with ${given.preset}` : givenUp[given?.step ?? 'media'];
    const detail = `The machine cannot encode in real time: ${what}.`;
    logger.warn({ step, ...this.level }, detail);
    await encoding.adapted({ step, direction: 'down', detail }, encodingId);
    return step;
  }

  /**
   * After a run that ended in good order: true when it was ended because it was calm for long, and something was taken back.
   * @param mayGoOn nothing else ended it
   */
  async takeBack({ encoding, encodingId }: Told, mayGoOn: boolean): Promise<boolean> {
    const taken = this.#raising && mayGoOn ? this.#shedding.calm(performance.now()) : undefined;
    this.#raising = false;
    if (taken === undefined) return false;
    const { preset, refusesStreams } = this.level;
    this.#deps.overload?.set(this.#init.streamId, refusesStreams);
    const what = taken.step === 'preset' ? `the preset is ${preset} again` : takenBack[taken.step];
    this.#deps.logger.info({ step: taken.step, ...this.level }, 'the machine has kept up for long: taking a step back');
    await encoding.adapted({ step: taken.step, direction: 'up', detail: `The machine has kept up for long: ${what}.` }, encodingId);
    return true;
  }

  /** Aborts when the run has kept up for so long that a step may be taken back. */
  untilCalm(run: AbortSignal): AbortSignal {
    const calm = new AbortController();
    const { calmAt } = this.#shedding;
    if (calmAt === undefined) return calm.signal;
    const raise = (): void => {
      this.#raising = true;
      calm.abort();
    };
    const timer = setTimeout(raise, Math.max(0, calmAt - performance.now()));
    run.addEventListener('abort', () => clearTimeout(timer), { once: true });
    return calm.signal;
  }
}
