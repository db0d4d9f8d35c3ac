import { parseArgs } from 'node:util';
import { audit, auditLines, openBundle, sinceBundle } from '#adapters/ledger';

const usage = `node main.js FOLDER [--key VERIFIER_KEY]... [--witness VERIFIER_KEY]... [--cosigners N] [--since OLDER_FOLDER] [--json]

Verifies a bundle of the audit ledger, offline; with --since, what an earlier bundle holds must still hold. Exit: 0 all is as it was signed, 1 it is not, 2 it cannot be verified.
`;
const options = {
  key: { type: 'string', multiple: true },
  witness: { type: 'string', multiple: true },
  cosigners: { type: 'string', default: '0' },
  since: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1 || !/^\d{1,3}$/.test(values.cosigners)) throw new Error(usage);
  const bundle = await openBundle(folder);
  const whole = values.since === undefined ? bundle : sinceBundle(bundle, await openBundle(values.since), values.since);
  const report = await audit(whole, { keys: values.key ?? [], witnessKeys: values.witness ?? [], cosignersMin: Number(values.cosigners) });
  process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : auditLines(report).join('\n')}\n`);
  process.exitCode = report.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
