import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

/** The checkout, from where this file is compiled to. */
export const checkout = resolve(import.meta.dirname, '../../..');
const modules = join(checkout, 'node_modules');
const packageFolder = join(checkout, 'libs/sdk');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(
  command: string,
  args: readonly string[],
  init: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Run> {
  const child = spawn(command, args, { cwd: init.cwd, env: { ...process.env, ...init.env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  const ended = new Promise<number | null>((done, reject) => {
    child.on('error', reject);
    child.on('close', done);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

/** Runs it and answers what it printed. @throws with all that it said when it fails. */
export async function mustRun(...[command, args, init]: Parameters<typeof run>): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, init);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

/** npm as it runs outside of this project: on the machine's own Node. */
const npmEnv = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' };

/** A tarball of what `npm pack` would publish, built beside the sources, so that several may be made at once. */
async function packSdk(folder: string): Promise<string> {
  const stage = join(folder, 'package');
  await mkdir(stage, { recursive: true });
  await mustRun(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', join(packageFolder, 'tsconfig.json'), '--outDir', join(stage, 'dist')], {
    cwd: folder,
  });
  for (const file of ['package.json', 'README.md']) await cp(join(packageFolder, file), join(stage, file));
  return pack(stage, folder);
}

async function pack(source: string, folder: string): Promise<string> {
  const said = await mustRun('npm', ['pack', source, '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: folder, env: npmEnv });
  const [packed] = JSON.parse(said) as Array<{ readonly filename: string }>;
  return join(folder, packed?.filename ?? '');
}

/** A project of somebody who has installed the SDK from its tarball, without a network. */
export class SdkConsumer {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async install(): Promise<SdkConsumer> {
    const folder = await mkdtemp(join(tmpdir(), 'sdk-consumer-'));
    const tarballs = [await packSdk(folder)];
    const { dependencies } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    for (const name of Object.keys(dependencies)) tarballs.push(await pack(join(modules, name), folder));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    await mustRun('npm', ['install', '--offline', '--ignore-scripts', ...tarballs], { cwd: folder, env: npmEnv });
    return new SdkConsumer(folder);
  }

  /** What the consumer has besides: taken from this checkout, with its own dependencies. */
  async add(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const link = join(this.folder, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(modules, name), link);
    }
  }

  async write(name: string, source: string): Promise<void> {
    await writeFile(join(this.folder, name), source);
  }

  /** Compiles strictly; what the compiler says, empty when it is content. */
  async compile(files: readonly string[], options: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2024', 'esnext.disposable', 'dom', 'dom.asynciterable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      types: ['node'],
      skipLibCheck: true,
      outDir: '.',
      ...options,
    };
    await this.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
    return (await run(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', 'tsconfig.json'], { cwd: this.folder })).stdout;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface CodeBlock {
  /** Words behind the language, such as `kafka`. */
  readonly words: readonly string[];
  /** The nearest heading above it. */
  readonly heading: string;
  readonly source: string;
}

/** The fenced blocks of a language in a Markdown text. */
export function codeBlocks(markdown: string, language: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let heading = '';
  for (const [, title, info = '', source = ''] of markdown.matchAll(/^#+ (.*)$|^```(.*)\n([\s\S]*?)^```$/gm)) {
    const [name, ...words] = info.split(' ');
    if (title !== undefined) heading = title;
    else if (name === language) blocks.push({ words, heading, source });
  }
  return blocks;
}
