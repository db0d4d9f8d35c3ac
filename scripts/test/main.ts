import { resolve } from 'node:path';
import { runTests } from './run-tests.ts';

const root = resolve(import.meta.dirname, '../../..');
process.exitCode = await runTests({
  root,
  words: process.argv.slice(2),
  isCi: process.env['CI'] === 'true',
  say: (line) => void process.stdout.write(`${line}\n`),
});
