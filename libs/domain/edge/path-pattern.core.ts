/** Of one pattern: each costs a look at every character of a path at worst. */
const starsMax = 16;

/** What is wrong with a pattern of paths; undefined when nothing is. */
export function pathPatternFault(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'Expected a pattern that begins with "/".';
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[?#\s\u0000-\u001f\u007f]/.test(pattern)) return 'Expected a path alone: no "?", "#" or white space.';
  if ((pattern.match(/\*+/g) ?? []).length > starsMax) return `Expected at most ${starsMax} asterisks.`;
  return undefined;
}

type Token = { readonly kind: 'char'; readonly char: string } | { readonly kind: 'within' } | { readonly kind: 'across' };

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string;
    if (char !== '*') tokens.push({ kind: 'char', char });
    else {
      const across = pattern[at + 1] === '*';
      tokens.push({ kind: across ? 'across' : 'within' });
      while (pattern[at + 1] === '*') at++;
    }
  }
  return tokens;
}

/**
 * Whether paths fit a pattern: `*` stands for any characters within a part of the path, `**` for any at all. Every state
 * that the pattern may be in is followed at once, so no path and no pattern makes it slow.
 */
export function pathMatcher(pattern: string): (path: string) => boolean {
  if (!pattern.includes('*')) return (path) => path === pattern;
  if (pattern.endsWith('/**') && pattern.indexOf('*') === pattern.length - 2) {
    const prefix = pattern.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  const tokens = tokensOf(pattern);
  return (path) => follow(tokens, path);
}

function follow(tokens: readonly Token[], path: string): boolean {
  let states = reach(tokens, new Set([0]));
  for (const char of path) {
    const next = new Set<number>();
    for (const at of states) {
      const token = tokens[at];
      if (token === undefined) continue;
      if (token.kind === 'across' || (token.kind === 'within' && char !== '/')) next.add(at);
      if (token.kind === 'char' && token.char === char) next.add(at + 1);
    }
    if (next.size === 0) return false;
    states = reach(tokens, next);
  }
  return states.has(tokens.length);
}

/** Stars may stand for nothing. */
function reach(tokens: readonly Token[], states: Set<number>): Set<number> {
  // A set is walked in the order of insertion: what is added meanwhile is visited too.
  for (const at of states) if (tokens[at] !== undefined && tokens[at].kind !== 'char') states.add(at + 1);
  return states;
}
