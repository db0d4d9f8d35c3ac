import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const checkout = resolve(import.meta.dirname, '../..');

interface Run {
  readonly code: number | null;
  readonly text: string;
}

/** A small checkout: the real scripts, compiler and lock file over sources of a few lines. */
class Tree {
  readonly root = mkdtempSync(join(tmpdir(), 'streams-tree-'));

  constructor() {
    for (const name of ['scripts/bootstrap.mjs', 'scripts/bootstrap', 'package.json', 'package-lock.json', 'tsconfig.json'])
      cpSync(join(checkout, name), join(this.root, name), { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(this.root, 'node_modules'));
    this.write('libs/one/a.ts', 'export const a: number = 1;\n');
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.root, path, '..'), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  task(name: string, env: Readonly<Record<string, string>> = {}): Promise<Run> {
    return new Promise((done, fail) => {
      const child = spawn(process.execPath, [join(this.root, 'scripts/bootstrap.mjs'), name], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('error', fail);
      child.on('close', (code) => done({ code, text }));
    });
  }
}

describe('the bootstrap', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => rmSync(tree.root, { recursive: true, force: true }));

  test('builds what is stale, and the second time nothing', async () => {
    const first = await tree.task('build');
    expect(first).toMatchObject({ code: 0 });
    expect(first.text).toContain('Building TypeScript …');
    expect(tree.has('dist/libs/one/a.js')).toBe(true);
    expect(await tree.task('build')).toEqual({ code: 0, text: '' });
  });

  test('builds again what changed, and removes what has no source any more', async () => {
    tree.write('libs/one/gone.ts', 'export const gone = 1;\n');
    await tree.task('build');
    expect(tree.has('dist/libs/one/gone.js')).toBe(true);
    rmSync(join(tree.root, 'libs/one/gone.ts'));
    tree.write('libs/one/a.ts', 'export const a: number = 22;\n');
    expect(await tree.task('build')).toMatchObject({ code: 0 });
    expect(readFileSync(join(tree.root, 'dist/libs/one/a.js'), 'utf8')).toContain('22');
    expect(tree.has('dist/libs/one/gone.js')).toBe(false);
    expect(tree.has('dist/libs/one/gone.js.map')).toBe(false);
  });

  test('builds again when outputs were deleted', async () => {
    await tree.task('build');
    rmSync(join(tree.root, 'dist'), { recursive: true });
    await tree.task('build');
    expect(tree.has('dist/libs/one/a.js')).toBe(true);
  });

  test('fails on a type error, and again until it is mended', async () => {
    tree.write('libs/one/a.ts', "export const a: number = 'text';\n");
    for (let run = 0; run < 2; run++) {
      const { code, text } = await tree.task('build');
      expect(code).toBe(1);
      expect(text).toContain('libs/one/a.ts');
      expect(text).toContain('The build of TypeScript failed.');
    }
    tree.write('libs/one/a.ts', 'export const a: number = 3;\n');
    expect(await tree.task('build')).toMatchObject({ code: 0 });
  });

  test('lets two builds at once wait for each other', async () => {
    const runs = await Promise.all([tree.task('build'), tree.task('build'), tree.task('build')]);
    expect(runs.map((run) => run.code)).toEqual([0, 0, 0]);
    expect(runs.filter((run) => run.text.includes('Building TypeScript')).length).toBe(1);
    expect(tree.has('.cache/bootstrap.lock')).toBe(false);
  });

  test('takes over the lock of a process that was killed', async () => {
    // The number of this process, but not its start: it was given again.
    tree.write('.cache/bootstrap.lock', `${process.pid} 1 1`);
    const { code, text } = await tree.task('build');
    expect(code).toBe(0);
    expect(text).not.toContain('Waiting');
  });

  test('says what tasks there are', async () => {
    const { code, text } = await tree.task('nonsense');
    expect(code).toBe(2);
    expect(text).toMatch(/^Unknown task "nonsense": it is one of build, start, /);
  });

  test('runs a program with its arguments and its exit code', async () => {
    tree.write('bench/main.ts', "process.stdout.write(process.argv.slice(2).join(',') + process.version);\nprocess.exitCode = 7;\n");
    const { code, text } = await tree.task('bench');
    expect(code).toBe(7);
    expect(text).toContain('v24.');
  });
});

describe('a program that npm started', () => {
  test('ends when npm is ended, although its shell passes nothing on', async () => {
    const tree = new Tree();
    try {
      tree.write(
        'bench/main.ts',
        "process.on('SIGTERM', () => { process.stdout.write('asked to end\\n'); process.exit(0); });\nsetInterval(() => undefined, 1000);\nprocess.stdout.write('running\\n');\n",
      );
      const npm = spawn('npm', ['run', '-s', 'bench'], { cwd: tree.root, stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      npm.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text === 'running\n') npm.kill('SIGTERM');
      });
      // The pipe ends with the last process that holds it.
      await new Promise((done) => npm.stdout.on('close', done));
      expect(text).toBe('running\nasked to end\n');
    } finally {
      rmSync(tree.root, { recursive: true, force: true });
    }
  });
});

describe('an install that fails', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
    rmSync(join(tree.root, 'node_modules'));
  });
  afterEach(() => rmSync(tree.root, { recursive: true, force: true }));

  /** Puts a program called npm in front, which says what the real one says in such a case. */
  async function failWith(words: string, before = ''): Promise<Run> {
    const bin = join(tree.root, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${before}\necho "npm error code ${words}" >&2\nexit 1\n`);
    chmodSync(join(bin, 'npm'), 0o755);
    return tree.task('build', { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` });
  }

  test.each([
    ['ENOTFOUND', 'The npm registry cannot be reached: check the network (or the proxy settings of npm) and run the command again.'],
    ['ENOSPC', 'The disk is full: free some space for '],
    ['EACCES', 'No permission to write in '],
    ['EROFS', ' is on a read-only file system'],
  ])('because of %s says so in a sentence', async (words, sentence) => {
    const { code, text } = await failWith(words);
    expect(code).toBe(1);
    expect(text.split('\n').filter((line) => line !== '')).toHaveLength(2);
    expect(text).toContain(sentence);
  });

  test('after a while that it said how far it was', async () => {
    const { text } = await failWith('EWHATEVER', 'mkdir -p node_modules/zod && echo {} > node_modules/zod/package.json; sleep 6');
    expect(text).toMatch(/^Installing dependencies \(npm ci\) …\n {2}1 of \d{3,} packages are there \(5 s\) …\n/);
  });

  test('for another reason shows what npm said', async () => {
    const { code, text } = await failWith('EWHATEVER');
    expect(code).toBe(1);
    expect(text).toContain('npm error code EWHATEVER');
  });
});

test('file times decide, not contents', async () => {
  const tree = new Tree();
  try {
    await tree.task('build');
    utimesSync(join(tree.root, 'libs/one/a.ts'), new Date(), new Date(Date.now() + 5000));
    expect((await tree.task('build')).text).toContain('Building TypeScript');
  } finally {
    rmSync(tree.root, { recursive: true, force: true });
  }
});
