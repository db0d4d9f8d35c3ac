import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LedgerSigners } from '#adapters/ledger';
import { contentPublished, contexts } from '#events';
import type { PartitionHead } from '#ports';
import { projections } from '#read-models';
import { noTelemetry, ReactorHost } from '#runtime';
import pg from 'pg';
import { pino } from 'pino';
import { realEngines, startGateway, World, type RealEngines, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { boundReactors } from '../../apps/projector/effects/effect-parts.ts';
import { LedgerKeeper } from '../../apps/projector/ledger/ledger-keeper.ts';
import { RetentionKeeper } from '../../apps/projector/retention/retention-keeper.ts';
import { keepLedger } from '../ledger/ledger-run.ts';

const streams = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));
const logger = pino({ level: 'silent' });

interface Run {
  readonly code: number;
  readonly out: string;
}

/** What there is besides read models of a log whose beginning LOG_SEALED_DAYS has removed, and of a database that is older than that. */
describe('with all contents removed from the log', () => {
  let engines: RealEngines;
  let world: World;
  let gateway: RunningGateway;
  let authorization: string;
  let bundles: string;

  /** The real command as a process. */
  const command = (...args: readonly string[]): Promise<Run> =>
    new Promise((resolve) =>
      execFile(
        process.execPath,
        ['--no-warnings', streams, ...args, '--url', gateway.url, '--key', authorization.slice('Bearer '.length)],
        { env: { ...process.env, STREAMS_DATA_DIR: engines.folder } },
        (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: out + err }),
      ),
    );
  const sql = async (text: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: engines.databaseUrl });
    await client.connect();
    return client
      .query<Record<string, unknown>>(text)
      .then((answer) => answer.rows)
      .finally(() => client.end());
  };
  const publish = async (prefix: string, count: number): Promise<void> => {
    const data = { url: 'https://o.example/a.mp4', contentType: 'video/mp4' };
    const drafts = Array.from({ length: count }, (_, n) => contentPublished.draft({ contentId: `${prefix}-${n}`, ...data }));
    await world.facts.publish('content', drafts, { producer: { id: 'cms', epoch: 1n } });
    await world.settle();
  };
  const sign = (): Promise<unknown> => keepLedger({ log: engines.log, store: engines.ledger, secrets: engines.secrets });
  const verify = (...args: readonly string[]): Promise<Run> => command('audit', 'verify', ...args);

  /** Seals what was signed, and removes what was sealed, as a projector does whose LOG_SEALED_DAYS have passed. */
  async function removeAll(): Promise<void> {
    await sign();
    const keeper = new RetentionKeeper(
      { owner: 'keeper', topics: ['content'], settings: { hotMs: { content: 1 }, keptMs: { content: 1 } }, source: '/test', roundMs: 50, lookMs: 20 },
      { ...engines, log: engines.sealedLog, store: engines.projections, projections, commands: world.commands, logger },
    );
    keeper.start();
    while ((await engines.log.heads('content')).some(({ low, high }) => low < high)) await sleep(50);
    await keeper.stop();
    await world.settle();
  }

  beforeAll(async () => {
    bundles = await mkdtemp(join(tmpdir(), 'older-database-'));
    engines = await realEngines();
    world = await World.open(engines);
    gateway = await startGateway(engines, world.consolePath);
    ({ authorization } = await world.key(['admin']));
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
    await rm(bundles, { recursive: true, force: true });
  });

  test('a ledger that has signed nothing yet has nothing wrong', async () => {
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringContaining('Nothing is signed yet') });
    expect(await verify('--cosigners', '1')).toMatchObject({ code: 1, out: expect.stringContaining('Nothing is signed yet') });
    // Trees and keys, and no signature: as within the first seconds.
    await sign();
    await sql('CREATE TABLE hidden_list AS SELECT * FROM streams.ledger_tree_list');
    await sql('CREATE TABLE hidden_notes AS SELECT * FROM streams.ledger_checkpoints');
    await sql('TRUNCATE streams.ledger_tree_list, streams.ledger_checkpoints');
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringContaining('Nothing is signed yet') });
    await sql('INSERT INTO streams.ledger_checkpoints SELECT * FROM hidden_notes');
    expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining('there is no signed list of the trees') });
    await sql('INSERT INTO streams.ledger_tree_list SELECT * FROM hidden_list');
  });

  test('a partition of which everything was removed is as it was signed, and one that was cut off is not', async () => {
    await publish('old', 60);
    await sign();
    expect(await command('audit', 'export', join(bundles, 'before'))).toMatchObject({ code: 0 });
    await removeAll();
    const whole = { code: 0, out: expect.stringMatching(/Everything is as it was signed[^]*60 records are not here[^]*retention has removed/) };
    expect(await verify()).toMatchObject(whole);
    expect(await verify('--since', join(bundles, 'before'))).toMatchObject(whole);
    expect(await verify('--offline', join(bundles, 'before'), '--log')).toMatchObject({ code: 0 });
    expect(await command('audit', 'export', join(bundles, 'after'))).toMatchObject({ code: 0 });
    expect(await verify('--offline', join(bundles, 'after'))).toMatchObject({ code: 0 });
    // What is appended and not signed yet is no reason to miss what was removed.
    await publish('new', 40);
    expect(await verify()).toMatchObject(whole);
    await sign();
    expect(await verify()).toMatchObject(whole);
    // Of the same the end is cut off, down to where retention has removed the beginning.
    expect(await command('audit', 'export', join(bundles, 'newer'))).toMatchObject({ code: 0 });
    const offline = ['--offline', join(bundles, 'newer'), '--log'];
    expect(await verify(...offline)).toMatchObject(whole);
    const file = new DatabaseSync(join(engines.folder, 'log', 'events.sqlite'));
    const cut = file.prepare("SELECT ref, number FROM partition WHERE topic = (SELECT id FROM topic WHERE name = 'content')").all();
    const { ref, number } = cut.find((one) => file.prepare(`SELECT count(*) AS records FROM record_${String(one['ref'])}`).get()?.['records'] !== 0) ?? {};
    const table = `record_${String(ref)}`;
    file.exec(`CREATE TABLE kept AS SELECT * FROM ${table}; DELETE FROM ${table};`);
    const answer = await verify(...offline);
    file.exec(`INSERT INTO ${table} SELECT * FROM kept; DROP TABLE kept;`);
    file.close();
    expect(answer).toMatchObject({
      code: 1,
      out: expect.stringMatching(new RegExp(`truncated +content/${String(number)}: record \\d+ of the ledger is missing`)),
    });
    expect(await verify(...offline)).toMatchObject(whole);
  }, 60_000);

  test('reactors of an older database stand still, say so once, and go on where they are told to', async () => {
    const said: string[] = [];
    const telemetry = noTelemetry();
    const loud = { error: (_fields: object, text: string) => said.push(text), warn: () => undefined, info: () => undefined, child: () => loud };
    const host = (): ReactorHost =>
      new ReactorHost(
        { reactors: boundReactors(engines.aggregates), owner: 'late', leaseTtlMs: 1000, renewIntervalMs: 50 },
        { ...engines, logger: loud as never, health: telemetry.health },
      );
    const first = host();
    await first.start();
    await first.stop();
    await sql(`UPDATE streams.reactor_positions SET position = 0 WHERE topic = 'content' AND reactor IN ('purges', 'webhooks')`);
    const second = host();
    await second.start();
    const remarks = (): readonly string[] => telemetry.health.moving().remarks;
    for (let waited = 0; remarks().length < 2 && waited < 20_000; waited += 50) await sleep(50);
    const note = (name: string): RegExp =>
      new RegExp(`^${name} stands at content/\\d+/0, but the log begins at \\d+ there: .*streams reactor reset ${name} --from TIME --reason WHY\\.$`);
    expect(remarks().toSorted()).toEqual([expect.stringMatching(note('purges')), expect.stringMatching(note('webhooks'))]);
    await sleep(1000);
    expect(said.toSorted()).toEqual([expect.stringMatching(note('purges')), expect.stringMatching(note('webhooks'))]);
    const { out } = await command('reactor', 'list');
    expect(out).toMatch(/^purges .*stands still$/m);
    expect(out).toMatch(/^clips [^!]*$/m);
    expect(out).toMatch(/streams reactor reset webhooks --from TIME/);
    expect(await command('reactor', 'reset', 'purges', '--from', 'beginning', '--reason', 'restored')).toMatchObject({ code: 0 });
    expect(await command('reactor', 'reset', 'webhooks', '--from', new Date(Date.now() - 60_000).toISOString(), '--reason', 'restored')).toMatchObject({
      code: 0,
    });
    for (let waited = 0; remarks().length > 0 && waited < 20_000; waited += 50) await sleep(50);
    expect(remarks()).toEqual([]);
    expect((await command('reactor', 'list')).out).not.toContain('stands');
    await second.stop();
  });

  test('the ledger of an older database signs nothing over what it lacks, and says so once', async () => {
    const tables = ['ledger_trees', 'ledger_tiles', 'ledger_checkpoints', 'ledger_tree_list'];
    const signed = async (): Promise<unknown> =>
      sql("SELECT partition, max(size)::integer AS size FROM streams.ledger_checkpoints WHERE topic = 'content' GROUP BY partition ORDER BY partition");
    const before = await signed();
    for (const table of tables) await sql(`CREATE TABLE older_${table} AS SELECT * FROM streams.${table}`);
    await publish('later', 40);
    await removeAll();
    await sql(`TRUNCATE ${tables.map((table) => `streams.${table}`).join()}`);
    for (const table of tables) await sql(`INSERT INTO streams.${table} SELECT * FROM older_${table}`);
    await publish('last', 40);
    const [said, telemetry] = [[] as string[], noTelemetry()];
    const loud = { error: (_fields: object, text: string) => said.push(text), warn: () => undefined, info: () => undefined };
    const signersOf = (count: number): Promise<LedgerSigners> => LedgerSigners.fromSecrets('ledger.example', engines.secrets, count);
    const keeper = new LedgerKeeper(
      { owner: 'late', topics: contexts, checkpointMs: 50, checkpointRecords: 1000, idleMs: 20 },
      { ...engines, store: engines.ledger, signersOf, now: Date.now, logger: loud as never, health: telemetry.health },
    );
    await keeper.start();
    const remarks = (): readonly string[] => telemetry.health.moving().remarks;
    for (let waited = 0; remarks().length === 0 && waited < 20_000; waited += 50) await sleep(50);
    await sleep(1500);
    const note = /^The audit ledger stands still in content\/\d+, and in \d+ more: its tree ends at offset \d+, but the log begins at \d+ there/;
    expect([remarks(), said]).toEqual([[expect.stringMatching(note)], [expect.stringMatching(note)]]);
    expect(await signed()).toEqual(before);
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringMatching(/Everything is as it was signed[^]*The audit ledger stands still/) });
    const response = await fetch(`${gateway.url}/api/v1/ledger`, { headers: { authorization } });
    expect(await response.json()).toMatchObject({ trouble: { code: 'ledger-gap', message: expect.stringMatching(note) } });
    expect(await command('audit', 'export', join(bundles, 'given-up'))).toMatchObject({ code: 0 });

    expect((await command('audit', 'begin-anew')).code).toBe(2);
    expect(await command('audit', 'begin-anew', '--reason', 'an old backup')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^content\/\d+ begins anew at offset \d+; \d+ records that were signed are given up\.$/m),
    });
    const isSigned = async (): Promise<boolean> =>
      (
        await sql(
          'SELECT FROM streams.ledger_trees AS tree WHERE begins_at > 0 AND size > 0 AND NOT EXISTS (SELECT FROM streams.ledger_checkpoints AS kept WHERE kept.topic = tree.topic AND kept.partition = tree.partition AND kept.size = tree.size)',
        )
      ).length === 0;
    const all = (await engines.log.heads('content')).reduce((sum, { low, high }) => sum + Number(high - low), 0);
    const taken = async (): Promise<number> =>
      Number((await sql("SELECT sum(size)::integer AS size FROM streams.ledger_trees WHERE topic = 'content' AND begins_at > 0"))[0]?.['size']);
    for (let waited = 0; ((await taken()) < all || !(await isSigned()) || remarks().length > 0) && waited < 30_000; waited += 100) await sleep(100);
    expect([await taken(), remarks()]).toEqual([all, []]);
    await sleep(300);
    await keeper.stop();
    const anew = {
      code: 0,
      out: expect.stringMatching(/Everything is as it was signed[^]*^Begun anew: content\/\d+ at offset \d+.*proofs of before are lost/m),
    };
    expect(await verify()).toMatchObject(anew);
    expect(await command('audit', 'begin-anew', '--reason', 'again')).toMatchObject({
      code: 1,
      out: expect.stringContaining('No tree of the audit ledger stands still'),
    });
    // Who has a bundle of before is told that it cannot be held against the new trees, and not that they were forged.
    const since = await verify('--since', join(bundles, 'given-up'));
    expect(since).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ begun-anew +content\/\d+: the ledger was begun anew at offset \d+ since then[^]*The ledger was begun anew since then/),
    });
    expect(since.out).not.toMatch(/forked|rolled-back|tree-missing|checkpoint-|was changed/);
    expect(await verify('--offline', join(bundles, 'given-up'))).toMatchObject({ code: 0 });
    expect(await command('audit', 'export', join(bundles, 'anew'))).toMatchObject({ code: 0 });
    expect(await verify('--offline', join(bundles, 'anew'), '--log')).toMatchObject(anew);
    expect(await verify('--offline', join(bundles, 'anew'))).toMatchObject(anew);
    const { partition, low } = (await engines.log.heads('content')).find((head) => head.high > head.low) as PartitionHead;
    expect(await command('audit', 'prove', `content/${partition}/${low}`)).toMatchObject({ code: 0, out: expect.stringContaining('is record 0 of') });
    for (const [name, status] of [
      [`${partition}@${low}`, 200],
      [`${partition}`, 404],
      [`${partition}@${low + 1n}`, 404],
    ] as const)
      expect((await fetch(`${gateway.url}/ledger/v1/ledger.example/content/${name}/checkpoint`)).status).toBe(status);
    await world.settle();
    const { json } = {
      json: (await (await fetch(`${gateway.url}/api/v1/events?subject=content/${partition}/ledger&limit=5`, { headers: { authorization } })).json()) as object,
    };
    expect(json).toMatchObject({
      items: [{ type: 'ledger.begun-anew', data: { topic: 'content', partition, beginsAt: String(low), reason: 'an old backup' } }],
    });

    // The new trees are sealed and removed as the ones before were, and the same backup may be restored once more.
    await removeAll();
    expect(await verify()).toMatchObject(anew);
  }, 120_000);
});
