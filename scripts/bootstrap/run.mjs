import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { nodeBinary, pinnedNodeVersion } from './paths.mjs';

/**
 * Goes on in the program, on the project's own Node. npm puts node_modules/.bin on the PATH, so from the second command
 * on this process usually is that Node already, and the program is simply loaded.
 */
export async function runProgram(program, args) {
  if (process.version !== pinnedNodeVersion()) return runOnPinnedNode(program, args);
  whenOrphaned(() => process.kill(process.pid, 'SIGTERM'));
  process.argv = [process.execPath, program, ...args];
  await import(pathToFileURL(program).href);
}

/**
 * Who ends npm with a signal ends npm and its shell, which pass nothing on: the end of the parent is the only word of it.
 * Started by hand there is no shell of npm's between, and who goes into the background may outlive its terminal.
 */
function whenOrphaned(end) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, 500);
  watch.unref();
}

/** The IPC channel carries nothing: its end tells the program that this process was killed. */
function runOnPinnedNode(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeBinary, [program, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    // The program ends in its own way, and this process waits for it.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    whenOrphaned(() => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
      if (child.connected) child.disconnect();
      resolve();
    });
  });
}
