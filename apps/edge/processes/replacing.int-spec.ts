import { describe, expect, test } from '@jest/globals';
import { Agent, request as httpRequest } from 'node:http';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from '../edge.fixture.ts';

interface Seen {
  readonly by: string;
  readonly status: number;
}

/** One request over an agent. 0 is a connection that was refused or broke. */
function ask(port: number, agent: Agent | false): Promise<Seen> {
  return new Promise((resolve) => {
    const request = httpRequest({ host: '127.0.0.1', port, agent, path: '/a.m4s' }, (response) => {
      const by = String(response.headers['cache-status']).split(';', 1)[0] as string;
      response.resume().on('close', () => resolve({ by, status: response.complete && response.statusCode !== undefined ? response.statusCode : 0 }));
    });
    request.on('error', () => resolve({ by: '', status: 0 }));
    request.end();
  });
}

class Load {
  readonly seen: Seen[] = [];
  readonly #agents: Agent[] = [];
  #stopped = false;
  readonly #running: Promise<void>[] = [];

  /** Clients that keep their connection, and clients that make a new one each time. */
  start(port: number, keeping: number, coming: number): void {
    for (let at = 0; at < keeping + coming; at++) {
      const agent = at < keeping && new Agent({ keepAlive: true, maxSockets: 1 });
      if (agent !== false) this.#agents.push(agent);
      this.#running.push(this.#run(port, agent));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    for (const agent of this.#agents) agent.destroy();
  }

  async #run(port: number, agent: Agent | false): Promise<void> {
    while (!this.#stopped) this.seen.push(await ask(port, agent));
  }
}

/** Each process is too large as soon as it is there. */
const tooLarge = { EDGE_RECYCLE_MB: '1', EDGE_RECYCLE_DRAIN_S: '1' };

describe.each<{ readonly runtime: EdgeRuntime; readonly processes: number; readonly rounds: number }>([
  { runtime: 'bun', processes: 2, rounds: 1 },
  { runtime: 'bun', processes: 1, rounds: 1 },
  { runtime: 'node', processes: 2, rounds: 1 },
])('$processes processes that have grown too large, on $runtime', ({ processes, rounds, runtime }) => {
  test('are replaced while there are never fewer that serve, and no request is lost', async () => {
    const folder = await temporaryFolder();
    const origin = await ScriptedOrigin.start();
    origin.says('/a.m4s', '200 OK\r\ncache-control: max-age=600', 'x');
    const env = { ...tooLarge, EDGE_PROCESSES: String(processes) };
    const edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env });
    const said = (text: string): number => edge.lines.filter(({ msg }) => String(msg).includes(text)).length;
    const load = new Load();
    load.start(edge.port, 4, 4);
    // Of each replacement two leave: the old one, and who stood in for it.
    await until(() => edge.lines.filter(({ msg }) => msg === 'stopped').length >= 2 * rounds);
    await load.stop();

    const lost = load.seen.filter(({ status }) => status !== 200);
    // Node cannot steer connections: what nobody has accepted when a listener closes is reset by the kernel, and that hardly ever.
    if (runtime === 'bun') expect(lost).toEqual([]);
    else expect(lost.length).toBeLessThanOrEqual(said('leaving: ') * 4);
    expect(load.seen.length).toBeGreaterThan(200);
    const names = Array.from({ length: processes + 1 }, (_none, at) => (at === 0 ? 'edge-1' : `edge-1.${at}`));
    expect([...new Set(load.seen.filter(({ status }) => status === 200).map(({ by }) => by))].toSorted()).toEqual(names);
    // The lines of the processes, in order: those that serve are never fewer than there should be.
    let serving = 0;
    let least = processes;
    let started = false;
    for (const line of edge.lines) {
      if (line['serving'] === true) serving++;
      if (line['reason'] === 'SIGTERM' && String(line['msg']).startsWith('stopping')) serving--;
      started ||= line['ready'] === true;
      if (started) least = Math.min(least, serving);
    }
    expect(least).toBe(processes);
    expect(await edge.kill('SIGTERM')).toBe(0);
    await origin.close();
    await folder.remove();
  }, 60_000);
});
