// Plain JavaScript for Node 20, without dependencies: this runs before anything is installed.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
export const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
export const at = (...parts) => join(root, ...parts);

export const modules = at('node_modules');
export const dist = at('dist');
export const cache = at('.cache');
export const nodeBinary = at('node_modules/node/bin/node');
export const bunBinary = at('node_modules/bun/bin/bun.exe');

/** The Node version that the project runs on, as `process.version` spells it. */
export function pinnedNodeVersion() {
  return `v${JSON.parse(readFileSync(at('package.json'), 'utf8')).dependencies.node}`;
}
