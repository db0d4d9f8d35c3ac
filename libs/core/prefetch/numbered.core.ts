/** Longer numbers are none that somebody counts by. */
const digitsMax = 15;

/** The text and the numbers of a name, in turn: it begins and ends with text, which may be empty. */
function partsOf(name: string): readonly string[] {
  return name.split(/(\d+)/);
}

/**
 * What comes after three names that are counted on: the same but for one number, which grows by the same step. Undefined for
 * whatever else they are. A number keeps its zeros in front.
 */
export function nameAfter(first: string, second: string, third: string): string | undefined {
  const [a, b, c] = [partsOf(first), partsOf(second), partsOf(third)];
  if (a.length !== b.length || b.length !== c.length) return undefined;
  const changed = c.flatMap((part, at) => (part === b[at] && part === a[at] ? [] : [at]));
  const [at] = changed;
  if (at === undefined || changed.length !== 1 || at % 2 === 0) return undefined;
  const [x, y, z] = [a[at], b[at], c[at]] as [string, string, string];
  const step = Number(z) - Number(y);
  if (z.length > digitsMax || step <= 0 || Number(y) - Number(x) !== step) return undefined;
  const next = String(Number(z) + step).padStart(z.length, '0');
  return [...c.slice(0, at), next, ...c.slice(at + 1)].join('');
}
