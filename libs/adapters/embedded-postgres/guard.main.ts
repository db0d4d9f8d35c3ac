import { guardConfig } from './guard.config.ts';
import { runGuard } from './guard.ts';

const say = (line: Readonly<Record<string, unknown>>) => void process.stdout.write(`${JSON.stringify({ time: Date.now(), app: 'postgres', ...line })}\n`);
// As root the server runs as another user, who must reach its programs; what is secret has modes of its own.
process.umask(0o022);
const stop = new AbortController();
const end = () => stop.abort();
process.on('SIGTERM', end).on('SIGINT', end);
process.stdout.on('error', end); // nobody reads any more

try {
  const config = guardConfig();
  // An end of input, however it comes, means that the supervisor is gone.
  if (config.supervised) {
    process.stdin.on('end', end).on('close', end).on('error', end).resume();
    const sayAlive = (): void => say({ alive: true });
    sayAlive();
    setInterval(sayAlive, 1000).unref();
  }
  process.exitCode = await runGuard(config, { say, nowMs: Date.now, stopping: stop.signal });
} catch (error) {
  say({ level: 60, msg: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
process.exit();
