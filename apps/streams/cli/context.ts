import { ApiClient } from '../client/api-client.ts';
import { readAdminKey } from '../client/key-file.ts';
import { withPortsOfRun } from '../machine/run-ports.ts';
import { readClientSettings, readStreamsSettings } from '../streams.config.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly key?: string;
}

/** What a command works with. */
export interface CommandContext {
  readonly api: ApiClient;
  /** Prints data with --json, else lines for people. */
  readonly print: (data: unknown, lines: () => readonly string[]) => void;
  /** One line, complete, at once. */
  readonly write: (line: string) => void;
  readonly isJson: boolean;
}

/** The local platform and its admin key, unless the options or the environment name others. */
export function contextOf(options: CommonOptions): CommandContext {
  const settings = withPortsOfRun(readStreamsSettings());
  const client = readClientSettings();
  const url = (options.url ?? client.url ?? `http://127.0.0.1:${settings.ports.gateway}`).replace(/\/+$/, '');
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const isJson = options.json === true;
  return {
    api: new ApiClient({ url, key: options.key ?? client.key ?? readAdminKey(settings.dataDir) }),
    write,
    isJson,
    print: (data, lines) => (isJson ? write(JSON.stringify(data, null, 2)) : lines().forEach(write)),
  };
}
