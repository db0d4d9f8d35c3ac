import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { parseApiKey } from '#domain/access';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./mint-key.main.js', import.meta.url));
let postgres: TemporaryPostgres;

beforeAll(async () => void (postgres = await temporaryPostgres()));
afterAll(() => postgres.stop());

function mint(args: readonly string[], url = postgres.url): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--no-warnings', program, ...args], { env: { ...process.env, DATABASE_URL: url } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

describe('minting a key on the machine itself', () => {
  test('on an empty database, by two at once: one first admin key', async () => {
    const answers = await Promise.all([mint(['--first-admin']), mint(['--first-admin'])]);
    expect(answers.map(({ code }) => code)).toEqual([0, 0]);
    const keys = answers.map(({ stdout }) => JSON.parse(stdout) as { id: string; key: string } | null).filter((key) => key !== null);
    expect(keys).toHaveLength(1);
    expect(parseApiKey(keys[0]?.key ?? '')?.keyId).toBe('k-admin');
  });

  test('with a name, scopes and an end', async () => {
    const before = Date.now();
    const { stdout } = await mint(['--name', 'console', '--scopes', 'view,operate', '--ttl', '3600']);
    const issued = JSON.parse(stdout) as { scopes: string[]; expiresAtMs: number; name: string };
    expect(issued).toEqual(expect.objectContaining({ name: 'console', scopes: ['view', 'operate'] }));
    expect(issued.expiresAtMs).toBeGreaterThanOrEqual(before + 3_600_000);
  });

  test.each([
    [['--name', 'x'], '--scopes'],
    [['--name', 'x', '--scopes', 'root'], 'root'],
    [['--name', 'x', '--scopes', 'view', '--ttl', 'soon'], '--ttl'],
    [['--what'], '--what'],
  ])('%j is refused in one sentence', async (args, named) => {
    const { code, stdout, stderr } = await mint(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^No key was issued: .*\n$/);
    expect(stderr).toContain(named);
  });

  test('a database that is not there is said', async () => {
    const { code, stderr } = await mint(['--first-admin'], 'postgresql://127.0.0.1:1/none');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^No key was issued: .*ECONNREFUSED/);
  });
});
