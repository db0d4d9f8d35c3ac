import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; -1 when the command could not be started or was ended by a signal. */
  readonly code: number;
  /** Standard output and standard error, the last 64 KiB. */
  readonly output: string;
}

export interface CommandOptions {
  /** Whom to run as; ourselves by default. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  readonly input?: string;
}

const outputBytesMax = 64 * 1024;

/** The environment of everything of PostgreSQL: its own settings come by argument, none from the caller's `PG…` variables. */
export const serverEnvironment: Readonly<Record<string, string>> = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Runs a command to its end, as another user if asked. Never throws: a command that cannot start answers -1 and says why. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-outputBytesMax));
    // The working directory must be open to the other user, too.
    const child = spawn(command, args, { cwd: '/', env: serverEnvironment, ...options.user, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.stdin.on('error', () => undefined); // a command that ends without reading its input tells by its code
    child.once('error', (error) => resolve({ code: -1, output: `${output}${error.message}` }));
    child.once('close', (code) => resolve({ code: code ?? -1, output }));
    child.stdin.end(options.input ?? '');
  });
}
