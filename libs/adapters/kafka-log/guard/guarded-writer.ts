import type { LogRecord } from '#events';
import type { AppendOptions, ExpectedVersion, KnownProducer, Position } from '#ports';
import type { TopicView } from '../cluster/cluster.ts';
import type { GuardDeps } from './guard-deps.ts';
import { portError } from '../kafka-log.errors.ts';
import type { PlainWriter } from '../write/plain-writer.ts';
import { producerGuards, ProducerGuard } from './producer-guard.ts';
import { decodeProducerState, decodeSubjectState, encodeSubjectState } from './guard-state.codec.ts';
import { SubjectGuard, subjectGuards } from './subject-guard.ts';

/** Guards kept open; one that is opened anew costs a few requests. */
const guardsMax = 4096;
const forgottenAtOnce = 1000;
/** Subjects whose versions are looked up at once. */
const lookedUpAtOnce = 32;

/** Appends under a producer, or that expect a version. */
export class GuardedWriter {
  readonly #deps: GuardDeps;
  readonly #producers = new Map<string, ProducerGuard>();
  readonly #subjects = new Map<string, SubjectGuard>();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(deps: GuardDeps) {
    this.#deps = deps;
  }

  /** @throws OperatingError as the port says */
  append(topic: TopicView, records: readonly LogRecord[], { producer, expected }: AppendOptions): Promise<readonly Position[]> {
    const append = (): Promise<readonly Position[]> => {
      if (producer !== undefined) {
        const guard = kept(this.#producers, `${topic.name}/${producer.id}`, () => new ProducerGuard(topic.name, producer.id, this.#deps));
        return guard.append({ topic, records, producer, expected });
      }
      if (expected === undefined) throw new Error('An append without a guard is not for guards.');
      const guard = kept(this.#subjects, `${topic.name}/${expected.subject}`, () => new SubjectGuard(topic.name, expected.subject, this.#deps));
      return guard.append(topic, records, expected);
    };
    const running = append();
    this.#underWay.add(running);
    return running.finally(() => this.#underWay.delete(running));
  }

  /** What the topic remembers of a producer. @throws OperatingError `LOG_UNAVAILABLE` */
  async producer(topic: string, id: string): Promise<KnownProducer | undefined> {
    const { states } = this.#deps;
    try {
      await states.ensure();
      const state = await states.newest(`${producerGuards(topic)}${id}`);
      if (state === undefined) return undefined;
      const { epoch, next } = decodeProducerState(state);
      return { epoch, next };
    } catch (error) {
      throw portError(error, topic);
    }
  }

  /** The topic's producers are new to the log from now on. @throws OperatingError `LOG_UNAVAILABLE` */
  async forgetProducers(topic: string, plain: PlainWriter): Promise<void> {
    const { states } = this.#deps;
    for (const name of this.#producers.keys()) if (name.startsWith(`${topic}/`)) this.#producers.delete(name);
    const view = await states.ensure();
    await write(plain, view, states.forgetting(await states.named(producerGuards(topic))));
  }

  /** Versions of the topic's subjects. @throws OperatingError `LOG_UNAVAILABLE` */
  async subjects(topic: string): Promise<readonly ExpectedVersion[]> {
    const { states } = this.#deps;
    await states.ensure();
    const beginning = subjectGuards(topic);
    const guards = await states.named(beginning);
    const found: ExpectedVersion[] = [];
    for (let at = 0; at < guards.length; at += lookedUpAtOnce) {
      const some = guards.slice(at, at + lookedUpAtOnce);
      const texts = await Promise.all(some.map((guard) => states.newest(guard)));
      texts.forEach((text, n) => {
        if (text !== undefined) found.push({ subject: (some[n] as string).slice(beginning.length), version: decodeSubjectState(text).version });
      });
    }
    return found;
  }

  /** These are the versions of the topic's subjects, and no others. @throws OperatingError `LOG_UNAVAILABLE` */
  async restoreSubjects(topic: string, versions: readonly ExpectedVersion[], plain: PlainWriter): Promise<void> {
    const { states } = this.#deps;
    for (const name of this.#subjects.keys()) if (name.startsWith(`${topic}/`)) this.#subjects.delete(name);
    const view = await states.ensure();
    const beginning = subjectGuards(topic);
    const wanted = new Map(versions.map(({ subject, version }) => [`${beginning}${subject}`, encodeSubjectState({ version, last: '' })]));
    const others = (await states.named(beginning)).filter((guard) => !wanted.has(guard));
    const records = [...wanted].map(([key, value]) => ({ key, headers: {}, value }));
    await write(plain, view, [...states.forgetting(others), ...records]);
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }
}

async function write(plain: PlainWriter, view: TopicView, records: readonly LogRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += forgottenAtOnce) await plain.append(view, records.slice(at, at + forgottenAtOnce));
}

/** The one of this name, now the last to be forgotten; of too many, the one that was idle for longest is forgotten. */
function kept<Guard extends { readonly isIdle: boolean }>(guards: Map<string, Guard>, name: string, make: () => Guard): Guard {
  const guard = guards.get(name) ?? make();
  guards.delete(name);
  guards.set(name, guard);
  if (guards.size > guardsMax) {
    const idle = [...guards].find(([, one]) => one.isIdle);
    if (idle !== undefined && idle[0] !== name) guards.delete(idle[0]);
  }
  return guard;
}
