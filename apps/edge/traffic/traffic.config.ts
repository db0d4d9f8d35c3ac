import { invalidSetting, readFlag, readInteger, type Environment } from '#runtime';

/** What an edge records of the traffic. */
export interface TrafficSettings {
  /** Whether anything is recorded at all. */
  readonly records: boolean;
  /** The share of the requests looked at that get a line in the access log, 0 to 1. */
  readonly sample: number;
  /** Requests looked at in a second, about; of more, one in 2, 4, 8, …. */
  readonly linesPerSecond: number;
}

function readShare(env: Environment, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1) throw invalidSetting(name, `must be a number from 0 to 1, such as 0.1, but is ${JSON.stringify(text)}`);
  return value;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readTrafficSettings(env: Environment): TrafficSettings {
  return {
    records: readFlag(env, 'EDGE_TRAFFIC', true),
    sample: readShare(env, 'EDGE_ACCESS_SAMPLE', 1),
    linesPerSecond: readInteger(env, 'EDGE_ACCESS_LINES', 100, 0, 100_000),
  };
}
