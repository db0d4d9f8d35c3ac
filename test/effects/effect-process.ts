import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startProjector } from '../replay/projector-process.ts';

export type VictimRole = 'projector' | 'reactor' | 'worker';

/** A process that performs effects, or a part of that, ready to work. It ends with this one. */
export interface EffectProcess {
  readonly pid: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface EffectProcessWorld {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string>>;
}

/** @param name unique among those that live, and the same after a restart */
export function startEffects(role: VictimRole, name: string, world: EffectProcessWorld): Promise<EffectProcess> {
  return role === 'projector' ? startProjector(world, name) : startPart(role, name, world);
}

async function startPart(role: VictimRole, name: string, { folder, databaseUrl, env }: EffectProcessWorld): Promise<EffectProcess> {
  const main = new URL('./effect-process.main.js', import.meta.url);
  const child = fork(main, [role, `chaos/${name}`], {
    env: { ...process.env, ...env, STREAMS_DATA_DIR: folder, DATABASE_URL: databaseUrl },
    execArgv: ['--no-warnings'],
  });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  await Promise.race([once(child, 'message'), exited.then(() => Promise.reject(new Error(`The ${role} ended before it was ready.`)))]);
  return { pid: child.pid as number, kill: end, stop: end };
}
