import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgres } from '#adapters/embedded-postgres';
import { openEngines, type Engines } from '#adapters/engines';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { webhookAggregate, webhookSecretName } from '#domain/operation';
import { contentPublished, encodeEvent, topicPartitions, type LogRecord } from '#events';
import { CommandExecutor, readSharedSettings } from '#runtime';
import { runMigrations } from '#migrations';
import { startEffects, type EffectProcess, type VictimRole } from './effect-process.ts';
import { Receiver } from './receiver.ts';

export type Victim = VictimRole | 'database';

export interface KillRun {
  readonly kills: Readonly<Record<Victim, number>>;
  /** Events written. */
  readonly events: number;
  /** Events that no delivery told of. */
  readonly lost: readonly string[];
  /** Events that came under more than one key: a receiver that remembers keys would have acted twice. */
  readonly doubled: readonly string[];
  /** Deliveries beyond the first of their key: what such a receiver passes over. */
  readonly repeated: number;
  /** Effects that the ledger gave up or still has open. */
  readonly unsettled: number;
}

export interface KillRunInit {
  readonly kills: number;
  /** What is killed again and again, each as soon as it has worked for a moment: whole projectors, or their parts. */
  readonly victims: readonly VictimRole[];
  /** How long one works before it is killed, ms at most. */
  readonly pauseMs: number;
  readonly onKill?: (victim: Victim, count: number) => void;
}

/** Every so many kills one is the database's. */
const databaseEvery = 7;
/** A kill fells whatever there is: nobody waits until others are up again. */
const lookMs = 20;
const settleMs = 180_000;
const publishEveryMs = 50;
const webhookId = 'wh-chaos';
const settings = { WEBHOOK_PRIVATE_ADDRESSES: '1', WEBHOOK_TRIES: '20', WEBHOOK_RETRY_SECONDS: '1', WEBHOOK_CONCURRENCY_EACH: '16' };

/** Reactors and workers, several of each, on one database; an event every few milliseconds; and all of them killed again and again. */
export async function killEffects(init: KillRunInit): Promise<KillRun> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-effects-'));
  await chmod(folder, 0o755); // as root, the server's user must get in
  const receiver = await Receiver.open();
  const run = new Chaos(folder, receiver, await EmbeddedPostgres.start({ dataDir: folder }));
  try {
    return await run.whole(init);
  } finally {
    await run.stop();
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  }
}

class Chaos {
  readonly #folder: string;
  readonly #receiver: Receiver;
  readonly #published: string[] = [];
  readonly #running: Array<EffectProcess | undefined> = [];
  readonly #kills: Record<Victim, number> = { projector: 0, reactor: 0, worker: 0, database: 0 };
  #server: EmbeddedPostgres;
  #engines: Engines<'log' | 'database'> | undefined;
  #stopped = false;

  constructor(folder: string, receiver: Receiver, server: EmbeddedPostgres) {
    this.#folder = folder;
    this.#receiver = receiver;
    this.#server = server;
  }

  async whole({ kills, victims, pauseMs, onKill = () => undefined }: KillRunInit): Promise<KillRun> {
    await runMigrations(this.#server.url);
    this.#engines = await openEngines(readSharedSettings({ STREAMS_DATA_DIR: this.#folder, DATABASE_URL: this.#server.url }), 'log', 'database');
    await this.#engines.log.ensureTopic('content', topicPartitions);
    await this.#register();
    await Promise.all(victims.map((role, at) => this.#keep(role, at)));
    await this.#beginsToReact();
    const publishing = this.#publishing();
    const fell = (victim: Victim): void => onKill(victim, (this.#kills[victim]++, this.#count));
    const slots = victims.map(async (role, at) => {
      while (this.#count < kills) {
        await sleep(Math.random() * pauseMs);
        const one = this.#running[at];
        // One that ended by itself, without its database, was not killed.
        if (one !== undefined && isAlive(one.pid)) {
          await one.kill();
          fell(role);
        }
        await this.#keep(role, at);
      }
    });
    await Promise.all([...slots, this.#fellDatabase(kills, fell)]);
    this.#stopped = true;
    await publishing;
    await this.#settled(victims);
    return { kills: this.#kills, ...this.#verdict(), unsettled: await this.#unsettled() };
  }

  get #count(): number {
    return Object.values(this.#kills).reduce((sum, count) => sum + count, 0);
  }

  async #fellDatabase(kills: number, fell: (victim: Victim) => void): Promise<void> {
    for (let next = databaseEvery; next <= kills; next += databaseEvery) {
      while (this.#count < next - 1) await sleep(lookMs);
      await this.#killDatabase();
      fell('database');
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running.flatMap((one) => (one === undefined ? [] : [one.stop()])));
    await this.#engines?.close();
    await this.#server.stop();
    await EmbeddedPostgres.remove(this.#folder);
  }

  async #register(): Promise<void> {
    const { aggregates, secrets } = this.#engines as Engines<'database'>;
    await secrets.secret(webhookSecretName(webhookId, 1));
    const commands = new CommandExecutor({ aggregates, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/chaos' });
    const about = { description: 'chaos', contexts: null, types: [contentPublished.type], subject: null };
    const command = { type: 'RegisterWebhook', webhookId, url: `${this.#receiver.url}/`, ...about, nowMs: Date.now() } as const;
    const result = await commands.execute(webhookAggregate, webhookId, command, { actor: 'key:chaos', correlationId: webhookId });
    if (result.refused) throw new Error(`The webhook is refused: ${JSON.stringify(result)}`);
  }

  /** Starts one anew as often as it takes, as a supervisor would: without its database it may end by itself. */
  async #keep(role: VictimRole, at: number): Promise<void> {
    const world = { folder: this.#folder, databaseUrl: this.#server.url, env: settings };
    for (;;) {
      try {
        this.#running[at] = await startEffects(role, `${role}-${at}`, world);
        return;
      } catch (error) {
        if (this.#stopped) throw error;
        await sleep(200);
      }
    }
  }

  async #killDatabase(): Promise<void> {
    process.kill(this.#server.pid, 'SIGKILL');
    await this.#server.ended;
    this.#server = await EmbeddedPostgres.start({ dataDir: this.#folder, port: this.#server.port });
  }

  /** A reactor that is new begins at the end of the log: what counts is what comes once it reacts. */
  async #beginsToReact(): Promise<void> {
    for (let waited = 0; this.#receiver.received.length === 0; waited += 200) {
      if (waited > 60_000) throw new Error('Nothing is delivered at all.');
      await this.#publish(`probe-${waited}`);
      await sleep(200);
    }
  }

  async #publishing(): Promise<void> {
    for (let at = 0; !this.#stopped; at++) {
      this.#published.push(await this.#publish(`e-${at}`));
      await sleep(publishEveryMs);
    }
  }

  async #publish(id: string): Promise<string> {
    const { log } = this.#engines as Engines<'log'>;
    await log.append('content', [recordOf(id)]);
    return id;
  }

  /** Until every event has come and the ledger has nothing open, or nothing happens any more. */
  async #settled(victims: readonly VictimRole[]): Promise<void> {
    for (const end = Date.now() + settleMs; Date.now() < end; await sleep(500)) {
      if (this.#verdict().lost.length === 0 && (await this.#unsettled()) === 0) return;
      for (const [at, role] of victims.entries()) {
        const one = this.#running[at];
        if (one === undefined || !isAlive(one.pid)) await this.#keep(role, at);
      }
    }
  }

  async #unsettled(): Promise<number> {
    const { effects } = this.#engines as Engines<'database'>;
    const pending = (await effects.backlog()).reduce((sum, one) => sum + one.pending, 0);
    return pending + (await effects.list({ states: ['failed', 'abandoned'], limit: 1000 })).length;
  }

  #verdict(): Pick<KillRun, 'events' | 'lost' | 'doubled' | 'repeated'> {
    const keys = new Map<string, Set<string>>();
    let deliveries = 0;
    for (const { headers, body } of this.#receiver.received) {
      const { id } = JSON.parse(body) as { id: string };
      if (!id.startsWith('e-')) continue;
      deliveries++;
      keys.set(id, (keys.get(id) ?? new Set()).add(String(headers['webhook-id'])));
    }
    const distinct = [...keys.values()].reduce((sum, some) => sum + some.size, 0);
    return {
      events: this.#published.length,
      lost: this.#published.filter((id) => !keys.has(id)),
      doubled: [...keys].filter(([, some]) => some.size > 1).map(([id]) => id),
      repeated: deliveries - distinct,
    };
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function recordOf(id: string): LogRecord {
  const data = { contentId: id, url: `https://origin.example/${id}`, contentType: 'video/mp4' };
  return encodeEvent({
    ...{ id, type: contentPublished.type, version: contentPublished.version, source: '/chaos', time: Date.now(), data },
    ...{ subject: contentPublished.subject(data), key: contentPublished.key(data), tenant: 'default', actor: 'key:chaos' },
    ...{ correlationId: id, causationId: id, traceparent: '', streamVersion: 0n, producerEpoch: 0n },
  });
}
