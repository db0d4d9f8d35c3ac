import { object, type Rule } from '../project.ts';
import type { SourceFile } from '../source-file.ts';

/** Where the same input must always give the same output. */
function isPureRoom(file: SourceFile): boolean {
  return !file.isTest && /^libs\/(core|domain)\//.test(file.path);
}

/** Roles that promise as much wherever they stand. */
function hasPureRole(file: SourceFile): boolean {
  return !file.isTest && /\.(core|decider|policy|projection)\.ts$/.test(file.path);
}

/** Clocks, dice, the outside world, and anything that happens later. */
const bannedNames = new Set([
  ...['Date', 'performance', 'crypto', 'process', 'fetch', 'console', 'Buffer', 'globalThis', 'require', 'Intl', 'WeakRef', 'FinalizationRegistry'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'queueMicrotask', 'Promise', 'await', 'async'],
]);
const bannedMembers = new Set(['Math.random']);

export const pureNames: Rule = (files) =>
  files
    .filter((file) => isPureRoom(file) || hasPureRole(file))
    .flatMap((file) => [
      ...file.syntax.names.filter((one) => bannedNames.has(one.text)).map((one) => object(file, one.line, `${one.text} has no place in pure code`)),
      ...file.syntax.members
        .filter((one) => bannedMembers.has(one.text) || one.text.endsWith('.localeCompare'))
        .map((one) => object(file, one.line, `${one.text} has no place in pure code`)),
    ]);

/** With imports of our own libraries judged by the layers, no package and no module of Node is left. */
export const pureImports: Rule = (files) =>
  files
    .filter((file) => isPureRoom(file) || (!file.isTest && file.path.startsWith('libs/kernel/')))
    .flatMap((file) =>
      file.imports.filter((one) => !/^[.#]/.test(one.text)).map((one) => object(file, one.line, `pure code imports no package, but ${one.text}`)),
    );

export const noModuleState: Rule = (files) =>
  files.filter(isPureRoom).flatMap((file) => file.syntax.mutableModuleState.map((one) => object(file, one.line, `module state that changes: ${one.text}`)));
