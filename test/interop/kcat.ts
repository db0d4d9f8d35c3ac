import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** A record as kcat takes and shows it. */
export interface KcatRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function kcat(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('kcat', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const [said, complaint, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
      child.stdin.end(input);
    }),
  ]);
  if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}: ${complaint}`);
  return said;
}

/** Writes one record, on the partition where Java's producer would put it. */
export async function kcatProduce(brokers: string, topic: string, { key, value, headers }: KcatRecord): Promise<void> {
  const named = Object.entries(headers).flatMap(([name, text]) => ['-H', `${name}=${text}`]);
  await kcat(['-P', '-b', brokers, '-t', topic, '-k', key, '-X', 'partitioner=murmur2_random', '-X', 'acks=all', ...named], value);
}

/** Everything on a topic. */
export async function kcatConsume(brokers: string, topic: string): Promise<readonly KcatRecord[]> {
  const lines = (await kcat(['-C', '-b', brokers, '-t', topic, '-o', 'beginning', '-e', '-q', '-J'])).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { key, payload, headers } = JSON.parse(line) as { key: string; payload: string; headers: readonly string[] };
    const named: Record<string, string> = {};
    for (let at = 0; at < headers.length; at += 2) named[headers[at] as string] = headers[at + 1] as string;
    return { key, value: payload, headers: named };
  });
}
