import { readInteger, type Environment } from '#runtime';

/** How many processes serve, and when one is replaced. Durations in ms, sizes in bytes. */
export interface ProcessSettings {
  readonly count: number;
  /** What each process is started with. */
  readonly environment: Environment;
  /** A process of this age is replaced; never when undefined. */
  readonly ageMsMax: number | undefined;
  /** A process that takes more memory is replaced; never when undefined. */
  readonly residentBytesMax: number | undefined;
  /** How long a process that is replaced goes on to answer, and ends connections with their answers. */
  readonly leaveMs: number;
}

/** What a process is told by the one that starts it. */
export const sharedPortVariable = 'EDGE_SHARES_PORT';
export const siblingsVariable = 'EDGE_SIBLINGS';

/** The processes of an edge, as one of them sees them. */
export interface SiblingSettings {
  readonly index: number;
  readonly count: number;
  /** Where they find each other. */
  readonly folder: string;
}

export function siblingsText({ count, folder, index }: SiblingSettings): string {
  return `${index}/${count}:${folder}`;
}

/** Whether the edge is more than one process, or will be while one is replaced. */
export function isSupervisor({ ageMsMax, count, residentBytesMax }: ProcessSettings): boolean {
  return count > 1 || ageMsMax !== undefined || residentBytesMax !== undefined;
}

/** Undefined for a process that is alone. */
export function readSiblings(env: Environment): SiblingSettings | undefined {
  const match = /^(\d+)\/(\d+):(.+)$/.exec(env[siblingsVariable] ?? '');
  return match === null ? undefined : { index: Number(match[1]), count: Number(match[2]), folder: match[3] as string };
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readProcessSettings(env: Environment): ProcessSettings {
  const count = readInteger(env, 'EDGE_PROCESSES', 1, 1, 128);
  const hours = readInteger(env, 'EDGE_RECYCLE_HOURS', 0, 0, 10_000);
  const megabytes = readInteger(env, 'EDGE_RECYCLE_MB', 0, 0, 1_048_576);
  return {
    count,
    environment: env,
    ageMsMax: hours === 0 ? undefined : hours * 3_600_000,
    residentBytesMax: megabytes === 0 ? undefined : megabytes * 1024 * 1024,
    leaveMs: readInteger(env, 'EDGE_RECYCLE_DRAIN_S', 60, 1, 3600) * 1000,
  };
}
