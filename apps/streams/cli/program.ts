import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { readCheckedSettings } from '../supervisor/checked-settings.config.ts';
import { up } from '../supervisor/up.ts';
import { withPortsOfRun } from '../machine/run-ports.ts';
import { exitCodes } from '../streams.errors.ts';
import { beginLedgerAnew, exportLedger, proveEvent, rotateLedgerKey, verifyLedger, type VerifyOptions } from './audit.commands.ts';
import { contextOf, type CommonOptions } from './context.ts';
import { findingLine } from '../doctor/finding.ts';
import { examine, examineWithStream } from './doctor.command.ts';
import { runEdgeAlone } from './edge.command.ts';
import { migrate, type MigrateOptions } from './migrate.command.ts';
import { listEvents, tailEvents } from './event.commands.ts';
import { addReview } from './review-program.ts';
import { exitCodeOf, failureDocument, failureText, usageDocument, verbsFor } from './failure.ts';
import { createKey, createTenant, listKeys, listTenants, resumeTenant, revokeKey, rotateKey, suspendTenant, type CreateKeyOptions } from './key.commands.ts';
import { addProfiles } from './profile-program.ts';
import { asOf, eventOrPlace, group, remote, rungs, scopeList, scopes, sounds, verifierKeys, wholeNumber, words } from './program-parts.ts';
import { addPurgePolicy } from './purge-policy.command.ts';
import { addPurge } from './purge-program.ts';
import { addEffects } from './effect-program.ts';
import { addRegions } from './region-program.ts';
import { addParked } from './parked-program.ts';
import { addLog } from './log-program.ts';
import { addReplays } from './replay-program.ts';
import { addSandboxes } from './sandbox-program.ts';
import { addSubjects } from './subject-program.ts';
import { issueStreamKey, listStreams, showStream, startStream, stopStream, switchStream, type StartOptions, type StreamKeyOptions } from './stream.commands.ts';
import { addCdn } from './cdn-program.ts';
import { addZones } from './zone-program.ts';

function addStreams(program: Command): void {
  const stream = group(program, 'stream', 'start, stop and see streams');
  remote(stream, 'start <name>', 'create a stream and print its key, once')
    .option('--grace <seconds>', 'how long it waits for a publisher that went away', wholeNumber)
    .option('--segment <seconds>', 'length of a segment', wholeNumber)
    .option('--dvr <seconds>', 'how far back viewers can go while it is live', wholeNumber)
    .option('--profile <name>', 'encoding profile to take settings from (default: the one named default, if there is one)')
    .option('--rung <name:height:bitrate[:hevc]>', 'a rung of the ladder; repeat for more', rungs)
    .option('--sound <track:language[:label]>', "what one of the publisher's tracks of sound is; repeat for more", sounds)
    .option('--no-low-latency', 'whole segments alone: no LL-HLS')
    .option('--unlisted', 'in no list, and not made into a recording')
    .action(
      (
        name: string,
        options: CommonOptions &
          Omit<StartOptions, 'ladder' | 'sounds'> & { rung?: NonNullable<StartOptions['ladder']>; sound?: NonNullable<StartOptions['sounds']> },
      ) =>
        startStream(contextOf(options), name, {
          ...options,
          ...(options.rung === undefined ? {} : { ladder: options.rung }),
          ...(options.sound === undefined ? {} : { sounds: options.sound }),
        }),
    );
  remote(stream, 'key <id>', 'give a stream another key and print it, once')
    .option('--ttl <seconds>', 'how long it works; for ever without', wholeNumber)
    .option('--once', 'lets one publisher in, once')
    .option('--overlap <seconds>', 'how long the keys before go on; as long as they would have without', wholeNumber)
    .action((id: string, options: CommonOptions & StreamKeyOptions) => issueStreamKey(contextOf(options), id, options));
  remote(stream, 'switch <id> <endpoint>', 'go over to the primary or backup publisher, and prefer it')
    .requiredOption('--reason <text>', 'kept with the event')
    .action((id: string, endpoint: string, options: CommonOptions & { reason: string }) => switchStream(contextOf(options), id, endpoint, options.reason));
  remote(stream, 'stop <id>', 'end a stream for good')
    .option('--reason <text>', 'why, for the record')
    .action((id: string, options: CommonOptions & { reason?: string }) => stopStream(contextOf(options), id, options.reason));
  asOf(remote(stream, 'list', 'list streams, newest first'))
    .option('--status <status>', 'created, live, interrupted or stopped')
    .option('--limit <number>', 'how many', wholeNumber, 50)
    .action((options: CommonOptions & { status?: string; limit: number; asOf?: string }) => listStreams(contextOf(options), options));
  asOf(remote(stream, 'show <id>', 'show one stream')).action((id: string, options: CommonOptions & { asOf?: string }) =>
    showStream(contextOf(options), id, options.asOf),
  );
}

function addEvents(program: Command): void {
  const events = group(program, 'events', 'read the event log');
  const filtered = (name: string, description: string): Command =>
    remote(events, name, description)
      .option('--context <name>', 'only this context')
      .option('--type <types>', 'only these event types, separated by commas')
      .option('--subject <subject>', 'only this subject and what is under it')
      .option('--tenant <id>', 'only what belongs to this tenant');
  filtered('list', 'print the newest events')
    .option('--limit <number>', 'how many', wholeNumber, 50)
    .option('--since <time>', 'recorded at or after (RFC 3339)')
    .option('--oldest', 'begin with the oldest')
    .action((options: CommonOptions & { limit: number; since?: string; oldest?: boolean }) => listEvents(contextOf(options), options));
  filtered('tail', 'follow the log until Ctrl-C')
    .option('--from <place>', 'now, recent or beginning', 'recent')
    .action(async (options: CommonOptions & { from: string }) => {
      const stopping = new AbortController();
      process.once('SIGINT', () => stopping.abort()).once('SIGTERM', () => stopping.abort());
      await tailEvents(contextOf(options), options, stopping.signal);
    });
  addReview(events);
}

function addAudit(program: Command): void {
  const audit = group(program, 'audit', 'prove that nobody has changed the record');
  remote(audit, 'verify', 'verify every record against the signed ledger, and name the first that was changed')
    .option('--offline <folder>', 'a bundle of "audit export" instead of the running platform')
    .option('--log', "with --offline: this machine's log instead of the records in the bundle")
    .option('--since <folder>', 'an earlier bundle: what was signed then must still hold')
    .option('--trust <key>', 'a verifier key of the ledger that you know; repeat for more', verifierKeys)
    .option('--witness <key>', 'a verifier key of a witness; repeat for more', verifierKeys)
    .option('--cosigners <number>', 'how many witnesses must have cosigned', wholeNumber, 0)
    .action((options: CommonOptions & VerifyOptions) => verifyLedger(contextOf(options), options));
  remote(audit, 'export <folder>', "write an auditor's bundle: tiles, checkpoints, keys and records")
    .option('--no-records', 'hashes only: nothing that was said is in it')
    .action((folder: string, options: CommonOptions & { records: boolean }) => exportLedger(contextOf(options), folder, options));
  remote(audit, 'rotate-key', 'give the ledger its next signing key')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((options: CommonOptions & { reason: string }) => rotateLedgerKey(contextOf(options), options.reason));
  remote(audit, 'begin-anew', 'begin trees anew that stand still because what comes next in them was removed from the log')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((options: CommonOptions & { reason: string }) => beginLedgerAnew(contextOf(options), options.reason));
  remote(audit, 'prove', 'prove that an event (by id, or by place such as stream/3/1041) is on the record')
    .argument('<event>', 'its id or place', eventOrPlace)
    .option('--trust <key>', 'a verifier key of the ledger that you know; repeat for more', verifierKeys)
    .action((event: string, options: CommonOptions & Pick<VerifyOptions, 'trust'>) => proveEvent(contextOf(options), event, options.trust));
}

function addOperations(program: Command): void {
  addPurge(program);
  addPurgePolicy(program);
  const key = group(program, 'key', 'make, see and revoke API keys');
  remote(key, 'create <name>', 'make an API key and print it, once')
    .requiredOption('--scope, --scopes <list>', `some of ${scopes.join(', ')}, separated by commas or repeated`, scopeList)
    .option('--tenant <id>', 'whose things it may touch (default: yours); * for every tenant')
    .option('--context, --contexts <list>', 'event contexts that it may see and publish to, separated by commas or repeated (default: yours)', words)
    .option('--rate <number>', 'calls per minute (default: what the platform grants)', wholeNumber)
    .option('--ttl <seconds>', 'until it expires (default: never)', wholeNumber)
    .action((name: string, options: CommonOptions & CreateKeyOptions) => createKey(contextOf(options), name, options));
  remote(key, 'list', 'list API keys, newest first; never their secrets')
    .option('--tenant <id>', 'only keys of this tenant')
    .option('--limit <number>', 'how many', wholeNumber, 100)
    .action((options: CommonOptions & { limit: number; tenant?: string }) => listKeys(contextOf(options), options));
  remote(key, 'rotate <id>', 'give an API key a new secret and print it, once')
    .option('--overlap <seconds>', 'how long the secret before goes on working', wholeNumber, 0)
    .option('--reason <text>', 'why, for the record')
    .action((id: string, options: CommonOptions & { overlap: number; reason?: string }) => rotateKey(contextOf(options), id, options));
  remote(key, 'revoke <id>', 'end an API key for good')
    .option('--reason <text>', 'why, for the record')
    .action((id: string, options: CommonOptions & { reason?: string }) => revokeKey(contextOf(options), id, options));
  const tenant = group(program, 'tenant', 'make and see tenants, which cannot see each other');
  remote(tenant, 'create <id> <name>', 'create a tenant').action((id: string, name: string, options: CommonOptions) =>
    createTenant(contextOf(options), id, name),
  );
  remote(tenant, 'suspend <id>', 'let nobody of a tenant in, until it is resumed')
    .option('--reason <text>', 'why, for the log', '')
    .action((id: string, options: CommonOptions & { reason: string }) => suspendTenant(contextOf(options), id, options));
  remote(tenant, 'resume <id>', 'let a suspended tenant go on')
    .option('--reason <text>', 'why, for the log', '')
    .action((id: string, options: CommonOptions & { reason: string }) => resumeTenant(contextOf(options), id, options));
  remote(tenant, 'list', 'list tenants').action((options: CommonOptions) => listTenants(contextOf(options)));
}

function addLocal(program: Command, setExitCode: (code: number) => void): void {
  program
    .command('up')
    .description('run the whole platform on this machine, in the foreground')
    .option('--demo', 'also publish a live test picture', false)
    .action(async (options: { demo: boolean }) => setExitCode(await up(await readCheckedSettings(), options)));
  program
    .command('edge')
    .description('run one edge alone in front of any origin: no platform needed')
    .requiredOption('--config <file>', 'the site: listen, origin, and if you like hosts, memory, ttl, tls (YAML or JSON)')
    .action(async (options: { config: string }) => setExitCode(await runEdgeAlone(options.config)));
  program
    .command('migrate-log')
    .description('copy the event log of this machine to Kafka, or back')
    .addOption(new Option('--to <engine>', 'where to').choices(['kafka', 'embedded']).makeOptionMandatory())
    .option('--json', 'print JSON')
    .action(async (options: MigrateOptions) => migrate(options));
  program
    .command('doctor')
    .description('check ffmpeg, ports, disk, engines and the data folder')
    .option('--stream', 'also publish a short stream, in no list, to the running platform, and play it')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean; stream?: boolean }) => {
      const settings = withPortsOfRun(await readCheckedSettings());
      const stopping = new AbortController();
      process.once('SIGINT', () => stopping.abort()).once('SIGTERM', () => stopping.abort());
      const findings = options.stream === true ? await examineWithStream(settings, contextOf({}).api, stopping.signal) : await examine(settings);
      process.stdout.write(`${options.json === true ? JSON.stringify(findings, null, 2) : findings.map(findingLine).join('\n')}\n`);
      if (findings.some((finding) => finding.status === 'problem')) setExitCode(exitCodes.failed);
    });
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

/** Runs the `streams` command; resolves to its exit code. Failures are told in one sentence, or as JSON, on standard error. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const isJson = args.includes('--json');
  const program = new Command('streams')
    .description('Streams: live media, every step an event.')
    .version(version())
    .exitOverride()
    .configureOutput(isJson ? { writeErr: () => undefined } : {})
    .showHelpAfterError('(streams --help tells more)');
  addLocal(program, (code) => (exitCode = code));
  addStreams(program);
  addProfiles(program);
  addZones(program);
  addCdn(program);
  addEvents(program);
  addOperations(program);
  addEffects(program);
  addReplays(program, (code) => (exitCode = code));
  addParked(program, (code) => (exitCode = code));
  addLog(program);
  addSandboxes(program, (code) => (exitCode = code));
  addRegions(program, (code) => (exitCode = code));
  addAudit(program);
  addSubjects(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return tellUsage(error, program, args, isJson);
    tell(isJson ? JSON.stringify(failureDocument(error)) : failureText(error));
    return exitCodeOf(error);
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Commander has told people what is wrong already. */
function tellUsage(error: CommanderError, program: Command, args: readonly string[], isJson: boolean): number {
  if (error.exitCode === 0) return 0;
  if (isJson) tell(JSON.stringify(usageDocument(error)));
  else if (error.code === 'commander.unknownCommand') tell(verbsFor(program, args));
  return exitCodes.usage;
}
