import { hasCode } from '#kernel';
import { misconfigured } from '#runtime';
import { readEdgeSettings } from './edge.config.ts';
import { runEdge } from './edge.ts';

try {
  await runEdge(readEdgeSettings());
} catch (error) {
  if (!hasCode(error, 'SETTING_INVALID')) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(misconfigured);
}
