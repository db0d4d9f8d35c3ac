import { purgeTargets } from '#core/http-cache';
import { Prng } from '#kernel';
import { expect, test } from '@jest/globals';
import { object, openStore, textOf, type OpenStore } from './disk-store.fixture.ts';
import { SimFolder, type DiskPlan } from './sim-folder.fixture.ts';

const keys = Array.from({ length: 40 }, (_, at) => `/media/${at}`);
const languages = ['', 'de', 'en'];

/** What was put, what was purged, and what may still come back. */
class Model {
  /** Which process it is that lives: what one that was killed would still have done is not done. */
  life = 0;
  version = 0;
  /** The version of each key before which everything was purged. */
  readonly purgedBefore = new Map<string, number>();
  /** Whose purges no stored offset covers yet: a restart hears of them again. */
  readonly unsettled = new Set<string>();
  storedId: string | undefined;
  hits = 0;

  purge(key: string): void {
    this.purgedBefore.set(key, this.version + 1);
    this.unsettled.add(key);
  }

  /** What is wrong with an object that came back; undefined when nothing is. */
  fault(key: string, language: string, text: string): string | undefined {
    const [, ofKey, ofLanguage, version, , size] = /^(\S+) (\S*) (\d+) (x*) (\d+)$/.exec(text) ?? [];
    if (ofKey !== key || ofLanguage !== language || size === undefined) return `${key} ${language} is not ${text.slice(0, 60)}`;
    if (text.length - ofKey.length - ofLanguage.length - (version as string).length - size.length - 4 !== Number(size)) return 'bytes are missing';
    return Number(version) < (this.purgedBefore.get(key) ?? 0) ? `${key} was purged since version ${version}` : undefined;
  }
}

/** As the purge tail does it: offsets are stored only with the name of the store that is behind them. */
async function startTail({ store, ledger }: OpenStore, model: Model): Promise<void> {
  if (store.journal.storeId !== model.storedId) ledger.purge(purgeTargets.all);
  for (const key of model.unsettled) ledger.purge(purgeTargets.key(key));
  await settle(store, model);
}

async function settle(store: OpenStore['store'], model: Model): Promise<void> {
  const settled = [...model.unsettled];
  await store.journal.flush();
  model.storedId = store.journal.storeId;
  for (const key of settled) model.unsettled.delete(key);
}

async function live(open: OpenStore, model: Model, dice: Prng, steps: number): Promise<string | undefined> {
  const { ledger, store } = open;
  const { life } = model;
  for (let step = 0; step < steps; step++) {
    if (model.life !== life) return new Promise(() => undefined);
    const key = dice.pick(keys);
    const language = key.endsWith('7') ? dice.pick(languages) : '';
    const kind = dice.nextInteger(0, 9);
    if (kind < 4) {
      const size = dice.nextInteger(0, 6000);
      const version = ++model.version;
      const put = object(key, `${key} ${language} ${version} ${'x'.repeat(size)} ${size}`, {
        generation: ledger.generation,
        ...(key.endsWith('7') ? { language } : {}),
      });
      store.filled(put);
      store.used(put);
    } else if (kind < 8) {
      const request = { field: (name: string) => (name === 'accept-language' ? language : undefined) };
      const recalled = store.recallNow(key, request, dice.next() < 0.5) ?? (await store.recall(key, request));
      const found = recalled !== undefined && ledger.isCurrent(recalled, recalled.generation) ? recalled : undefined;
      const fault = found === undefined ? undefined : model.fault(key, language, textOf(found) as string);
      if (fault !== undefined) return fault;
      if (found !== undefined) model.hits++;
    } else if (kind < 9) {
      ledger.purge(purgeTargets.key(key));
      // Purges by tag and the like look at no object.
      if (dice.next() < 0.5) store.purge(key);
      model.purge(key);
      if (dice.next() < 0.7) await settle(store, model);
    } else await store.settled();
  }
  return undefined;
}

function plan(dice: Prng): DiskPlan {
  const bad = dice.next();
  return {
    stopAt: dice.next() < 0.7 ? dice.nextInteger(1, 300) : Infinity,
    errors: bad < 0.2 ? 0.02 : bad < 0.25 ? 0.3 : 0,
    flips: dice.next() < 0.2 ? 0.05 : 0,
    bytesMax: dice.next() < 0.2 ? dice.nextInteger(1000, 400_000) : Infinity,
  };
}

async function story(seed: number): Promise<{ fault: string | undefined; hits: number }> {
  const dice = new Prng(seed);
  const folder = new SimFolder(seed + 1);
  const model = new Model();
  for (let life = 0; life < 5; life++) {
    model.life = life;
    const work = async (): Promise<string | undefined> => {
      const open = await openStore(folder.start(plan(dice)));
      await startTail(open, model);
      const fault = await live(open, model, dice, 120);
      if (fault === undefined && dice.next() < 0.3) await open.store.close();
      return fault;
    };
    const outcome = await Promise.race([work(), folder.stopping]);
    if (outcome !== undefined && outcome !== 'stopped') return { fault: `seed ${seed}, life ${life}: ${outcome}`, hits: model.hits };
    folder.crash(dice.next() < 0.5);
  }
  return { fault: undefined, hits: model.hits };
}

test('on a disk that lies, fills up, breaks, and stops at any write, nothing that was purged and no wrong byte ever comes back', async () => {
  let hits = 0;
  for (let first = 1; first <= 160; first += 40) {
    const stories = await Promise.all(Array.from({ length: 40 }, (_, at) => story(first + at)));
    expect(stories.flatMap(({ fault }) => fault ?? [])).toEqual([]);
    hits += stories.reduce((sum, one) => sum + one.hits, 0);
  }
  // And much does come back.
  expect(hits).toBeGreaterThan(6000);
}, 60_000);
