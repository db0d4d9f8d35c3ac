import { settingsOrEnd } from '#runtime';
import { readEdgeSettings } from './edge.config.ts';
import { runEdge } from './edge.ts';
import { runEdgeProcesses } from './processes/edge-processes.ts';
import { isSupervisor } from './processes/processes.config.ts';

const settings = await settingsOrEnd('edge', readEdgeSettings);
await (isSupervisor(settings.processes) ? runEdgeProcesses(settings) : runEdge(settings));
