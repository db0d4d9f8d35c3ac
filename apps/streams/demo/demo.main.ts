import { messageOf } from '../streams.errors.ts';
import { readDemoSettings } from './demo.config.ts';
import { publishForever, type Say } from './publisher.ts';

const say: Say = (level, msg, fields = {}) => void process.stdout.write(`${JSON.stringify({ level, time: Date.now(), name: 'demo', msg, ...fields })}\n`);
const stopping = new AbortController();
const end = (): void => stopping.abort();
process.on('SIGTERM', end).on('SIGINT', end);
process.stdout.on('error', end);

const settings = readDemoSettings();
if (settings.supervised) {
  process.stdin.on('end', end).on('close', end).on('error', end).resume();
  const sayAlive = (): void => say('info', '', { alive: true });
  sayAlive();
  setInterval(sayAlive, 1000).unref();
}
try {
  await publishForever(settings, say, stopping.signal);
  process.exit(0);
} catch (error) {
  say('fatal', messageOf(error));
  process.exit(1);
}
