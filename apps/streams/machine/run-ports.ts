import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { portVariables, type Ports, type StreamsSettings } from '../streams.config.ts';

const fileOf = (runPath: string): string => join(runPath, 'ports.json');

/** Writes down where the run on this data folder listens, for commands that are given from another terminal. */
export function writePorts(runPath: string, ports: Ports): void {
  const file = fileOf(runPath);
  writeFileSync(`${file}.draft`, JSON.stringify(ports));
  renameSync(`${file}.draft`, file);
}

export function forgetPorts(runPath: string): void {
  rmSync(fileOf(runPath), { force: true });
}

/** The settings with the ports of the run on their data folder; a port that the environment names stays as it is. */
export function withPortsOfRun(settings: StreamsSettings): StreamsSettings {
  const written = readPorts(settings.runPath);
  const ports = { ...settings.ports };
  for (const name of Object.keys(portVariables) as Array<keyof Ports>) {
    const port = written[name];
    if (!settings.environment[portVariables[name]] && Number.isInteger(port)) ports[name] = port as number;
  }
  return { ...settings, ports };
}

/** Nothing where there is no run, or its file is damaged. */
function readPorts(runPath: string): Partial<Record<keyof Ports, unknown>> {
  try {
    return { ...(JSON.parse(readFileSync(fileOf(runPath), 'utf8')) as object) };
  } catch {
    return {};
  }
}
