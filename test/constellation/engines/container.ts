import { spawnSync } from 'node:child_process';
import type { StartedTestContainer } from 'testcontainers';
import { freePort } from '../free-ports.ts';

export interface ContainerInit {
  readonly image: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
}

export interface RunningContainer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
  restart(downMs?: number): Promise<void>;
}

let answers: boolean | undefined;

/** Whether a Docker engine answers on this machine; the program alone is not enough. */
export function hasDocker(): boolean {
  answers ??= spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000, stdio: 'ignore' }).status === 0;
  return answers;
}

/** Starts a container and waits until its port takes connections. The port is ours to choose: Docker gives another one after a restart. */
export async function startContainer(init: ContainerInit): Promise<RunningContainer> {
  const { GenericContainer } = await import('testcontainers');
  const described = new GenericContainer(init.image).withExposedPorts({ container: init.port, host: await freePort() }).withEnvironment({ ...init.env });
  const started: StartedTestContainer = await (init.command === undefined ? described : described.withCommand([...init.command])).start();
  return {
    host: started.getHost(),
    port: started.getMappedPort(init.port),
    stop: async () => void (await started.stop()),
    restart: async () => started.restart({ timeout: 0 }),
  };
}
