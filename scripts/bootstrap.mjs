#!/usr/bin/env node
// Usage: node scripts/bootstrap.mjs TASK [ARGUMENTS]
// Brings the checkout up to date (dependencies, build) and runs a task on the project's own Node. Plain JavaScript on
// Node 20, with no import from node_modules: in a fresh clone there is none.
import { build, isBuilt } from './bootstrap/build.mjs';
import { install, isInstalled } from './bootstrap/install.mjs';
import { withLock } from './bootstrap/lock.mjs';
import { at, root } from './bootstrap/paths.mjs';
import { runProgram } from './bootstrap/run.mjs';
import { explain, PlainError, say } from './bootstrap/say.mjs';
import { tasks } from './bootstrap/tasks.mjs';

const oldestNode = 20;

async function main([name, ...rest]) {
  if (Number(process.versions.node.split('.')[0]) < oldestNode) {
    throw new PlainError(`Node ${process.versions.node} is too old: install Node ${oldestNode} or newer; the project brings its own Node 24 after that.`);
  }
  const task = tasks[name];
  if (task === undefined) throw new PlainError(`Unknown task "${name}": it is one of ${Object.keys(tasks).join(', ')}.`, 2);
  await bringUpToDate(task.tool === undefined);
  if (task.program ?? task.tool) await runProgram(task.program ?? task.tool, [...task.args, ...rest]);
}

/** A tree that is up to date is only looked at: it may be read-only, and many may start at once. */
async function bringUpToDate(needsBuild) {
  const isReady = () => isInstalled() && (!needsBuild || isBuilt());
  if (isReady()) return;
  await withLock(at('.cache/bootstrap.lock'), async () => {
    if (!isInstalled()) await install();
    if (needsBuild) await build();
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const told = explain(error, root);
  say(told instanceof PlainError ? told.message : (told?.stack ?? String(told)));
  process.exitCode = told.exitCode ?? 1;
}
