import { pathToFileURL } from 'node:url';
import type { Failure, Kind, Score } from './suite.ts';

/** What is used of a test of the suite, and of its engine. */
interface SuiteTest {
  readonly id: string;
  readonly kind?: Kind;
  readonly depends_on?: readonly string[];
}
interface Suite {
  readonly id: string;
  readonly tests: readonly SuiteTest[];
}
type Results = Readonly<Record<string, true | readonly [name: string, message: string]>>;
interface Engine {
  /** What is fetched with came first in older versions. */
  runTests(suites: readonly Suite[], ...how: readonly unknown[]): Promise<void>;
  getResults(): Results;
}

const [, , folder = '', place = '', base = ''] = process.argv;
const load = (path: string): Promise<unknown> => import(pathToFileURL(folder + path).href);
const { default: suites } = (await load('tests/index.mjs')) as { readonly default: readonly Suite[] };
const engine = (await load(`${place}client/runner.mjs`)) as Engine;

await (place === '' ? engine.runTests(suites, fetch, false, base) : engine.runTests(suites, false, base));
process.stdout.write(`\n${JSON.stringify(scoreOf(suites, engine.getResults()))}\n`, () => process.exit(0));

function scoreOf(all: readonly Suite[], results: Results): Score {
  const byId = new Map(all.flatMap((suite) => suite.tests.map((test) => [test.id, test] as const)));
  const passes = (id: string): boolean => results[id] === true && (byId.get(id)?.depends_on ?? []).every(passes);
  const passed = { required: 0, optimal: 0, check: 0 };
  const of = { required: 0, optimal: 0, check: 0 };
  const failures: Failure[] = [];
  for (const suite of all) {
    for (const { id, kind = 'required' } of suite.tests) {
      const result = results[id];
      // Those for browsers alone were not run.
      if (result === undefined) continue;
      of[kind]++;
      if (passes(id)) passed[kind]++;
      else failures.push({ kind, suite: suite.id, id, why: result === true ? 'what it depends on failed' : result[1] });
    }
  }
  return { passed, of, failures };
}
