/** A tier of tests: which files, how many at once, how long one test may take. */
export interface Tier {
  readonly name: string;
  readonly title: string;
  /** Of the compiled file. */
  readonly suffix: RegExp;
  /** More than cores where tests wait more than they work. */
  readonly workers: number;
  readonly testTimeoutMs: number;
  /** Its files run as so many test files (groups.ts); each by itself when absent. */
  readonly groups?: number;
}

/** In the order in which they run: what is quick and tells most comes first. */
export const tiers: readonly Tier[] = [
  { name: 'unit', title: 'unit tests', suffix: /\.spec\.js$/, workers: 2, testTimeoutMs: 10_000, groups: 8 },
  { name: 'sim', title: 'seeded simulations', suffix: /\.sim-spec\.js$/, workers: 2, testTimeoutMs: 60_000 },
  { name: 'int', title: 'tests on real engines and processes', suffix: /\.int-spec\.js$/, workers: 2, testTimeoutMs: 60_000 },
  { name: 'e2e', title: 'tests over real protocols and a browser', suffix: /\.e2e-spec\.js$/, workers: 1, testTimeoutMs: 180_000 },
];

const coverageWord = 'coverage';
const lintWord = 'lint';
const stepWords: readonly string[] = [coverageWord, lintWord];

/** What the command line asks for: tiers by name, and patterns that a file's path must contain. */
export interface Selection {
  readonly tiers: readonly Tier[];
  readonly patterns: readonly string[];
  /** Whether style and types are checked: in a whole run, or when asked for. */
  readonly hasLint: boolean;
  /** Whether the lines that unit tests run are counted: in a whole run, or when asked for. */
  readonly hasCoverage: boolean;
}

export function select(words: readonly string[]): Selection {
  const isWhole = words.length === 0;
  const steps = words.filter((word) => stepWords.includes(word));
  const named = tiers.filter((tier) => words.includes(tier.name));
  const patterns = words.filter((word) => !steps.includes(word) && !tiers.some((tier) => tier.name === word));
  const isStepsOnly = !isWhole && steps.length === words.length;
  return {
    tiers: isStepsOnly ? [] : named.length > 0 ? named : tiers,
    patterns,
    hasLint: isWhole || steps.includes(lintWord),
    hasCoverage: isWhole || steps.includes(coverageWord),
  };
}

export function filesOf(tier: Tier, files: readonly string[], patterns: readonly string[]): readonly string[] {
  return files.filter((file) => tier.suffix.test(file) && (patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))).sort();
}
