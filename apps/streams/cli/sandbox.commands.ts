import { ApiFailure } from '../client/api-client.ts';
import type { ModelDifferenceView, SandboxView } from '../client/api.types.ts';
import { PlainFailure } from '../streams.errors.ts';
import { awaited, type Waiting } from './awaited.ts';
import type { CommandContext } from './context.ts';
import { differenceLines, goneLines } from './replay-text.ts';
import { table } from './table.ts';

export interface CreateSandboxOptions {
  readonly from?: string;
  readonly until?: string;
  readonly projection?: readonly string[];
  readonly hours?: number;
  readonly reason?: string;
  readonly wait: boolean;
}

export interface QuerySandboxOptions {
  readonly where?: readonly string[];
  readonly limit: number;
  readonly cursor?: string;
}

interface RowPage {
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly nextCursor: string | null;
}

const wait = (name: string): Waiting => ({ pollMs: 300, stillMs: 600_000, stands: `The sandbox ${name} is not done` });
const base = '/api/v1/sandboxes';
const pathOf = (name: string): string => `${base}/${encodeURIComponent(name)}`;
const eventsOf = ({ progress }: SandboxView): string => progress.reduce((sum, { done }) => sum + done, 0).toLocaleString('en-US');

function sandboxLines(sandbox: SandboxView): readonly string[] {
  const { name, status, note, projections, from, until, expiresAt } = sandbox;
  return [
    `Sandbox ${name} is ${status}${note ? ` (${note})` : ''}: ${eventsOf(sandbox)} events.`,
    ...goneLines(sandbox.eventsGone),
    `  read models  ${projections.join(', ')}`,
    `  events       ${from === null ? '' : `from ${from} `}until ${until}`,
    `  dropped by itself at ${expiresAt}`,
  ];
}

/** @throws PlainFailure when it failed or is being dropped */
async function untilReady({ api, isJson }: CommandContext, name: string): Promise<SandboxView> {
  const isTerminal = process.stdout.isTTY && !isJson;
  return awaited(
    wait(name),
    () => api.call<SandboxView>('GET', pathOf(name)),
    (sandbox) => {
      const isBuilding = sandbox.status === 'building';
      if (isTerminal) process.stdout.write(`\r\u001b[K${isBuilding ? `building ${name}: ${eventsOf(sandbox)} events` : ''}`);
      if (sandbox.status !== 'ready' && !isBuilding)
        throw new PlainFailure(`The sandbox ${name} is ${sandbox.status}${sandbox.note ? `: ${sandbox.note}` : ''}.`);
      return sandbox.status === 'ready';
    },
  );
}

/** `streams sandbox create` */
export async function createSandbox(context: CommandContext, name: string, options: CreateSandboxOptions): Promise<void> {
  const { from, until, projection: projections, hours: expiresInHours, reason } = options;
  const asked = await context.api.call<object>('POST', base, { name, from, until, projections, expiresInHours, reason });
  if (!options.wait) return context.print(asked, () => [`Sandbox ${name} is being built: streams sandbox show ${name}`]);
  const sandbox = await untilReady(context, name);
  context.print(sandbox, () => [...sandboxLines(sandbox), `Look at it: streams sandbox query ${name} TABLE. Done: streams sandbox drop ${name}`]);
}

export async function listSandboxes({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly SandboxView[] }>('GET', base);
  print(page, () =>
    page.items.length === 0
      ? ['There are no sandboxes: "streams sandbox create NAME" builds one.']
      : table(
          ['NAME', 'STATUS', 'EVENTS', 'GONE', 'UNTIL', 'EXPIRES', 'BY', 'READ MODELS'],
          page.items.map((one) => [
            one.name,
            one.status,
            eventsOf(one),
            (one.eventsGone ?? 0).toLocaleString('en-US'),
            one.until,
            one.expiresAt,
            one.createdBy ?? '',
            one.projections.join(', '),
          ]),
        ),
  );
}

export async function showSandbox({ api, print }: CommandContext, name: string): Promise<void> {
  const sandbox = await api.call<SandboxView>('GET', pathOf(name));
  print(sandbox, () => sandboxLines(sandbox));
}

/** `streams sandbox query` */
export async function querySandbox({ api, print }: CommandContext, name: string, from: string, options: QuerySandboxOptions): Promise<void> {
  const query = new URLSearchParams({ limit: String(options.limit), ...(options.cursor === undefined ? {} : { cursor: options.cursor }) });
  for (const one of options.where ?? []) query.append('where', one);
  const page = await api.call<RowPage>('GET', `${pathOf(name)}/rows/${encodeURIComponent(from)}?${query}`);
  print(page, () => [...page.rows.map((row) => JSON.stringify(row)), ...(page.nextCursor === null ? [] : [`… and more: --cursor ${page.nextCursor}`])]);
}

/** `streams sandbox diff`; true when the sandbox has the rows that serve. */
export async function compareSandbox({ api, print }: CommandContext, name: string, projection: string): Promise<boolean> {
  const difference = await api.call<ModelDifferenceView & { readonly eventsGone: number }>(
    'GET',
    `${pathOf(name)}/differences?${new URLSearchParams({ projection })}`,
  );
  print({ name, projection, ...difference }, () => [...goneLines(difference.eventsGone), ...differenceLines(projection, difference)]);
  return difference.equal;
}

/** `streams sandbox drop` */
export async function dropSandbox(
  { api, print }: CommandContext,
  name: string,
  { reason, wait: dropped }: { readonly reason?: string; readonly wait: boolean },
): Promise<void> {
  await api.call('DELETE', `${pathOf(name)}${reason === undefined ? '' : `?${new URLSearchParams({ reason })}`}`);
  if (dropped)
    await awaited(
      wait(name),
      () => isThere(api, name),
      (there) => !there,
    );
  print({ name, status: dropped ? 'dropped' : 'dropping' }, () => [
    dropped ? `Nothing is left of the sandbox ${name}.` : `The sandbox ${name} is being dropped.`,
  ]);
}

async function isThere(api: CommandContext['api'], name: string): Promise<boolean> {
  try {
    await api.call('GET', pathOf(name));
    return true;
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return false;
    throw error;
  }
}
