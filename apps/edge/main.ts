import { hasCode } from '#kernel';
import { misconfigured } from '#runtime';
import { readEdgeSettings } from './edge.config.ts';
import { runEdge } from './edge.ts';
import { runEdgeProcesses } from './processes/edge-processes.ts';
import { isSupervisor } from './processes/processes.config.ts';

try {
  const settings = readEdgeSettings();
  await (isSupervisor(settings.processes) ? runEdgeProcesses(settings) : runEdge(settings));
} catch (error) {
  if (!hasCode(error, 'SETTING_INVALID')) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(misconfigured);
}
