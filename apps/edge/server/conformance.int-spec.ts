/** @needs h2spec http3 chromium openssl testssl */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { EdgeProcess, ScriptedOrigin, temporaryFolder } from '../edge.fixture.ts';
import { writeCertificate } from './certificates.fixture.ts';

const checkout = resolve(import.meta.dirname, '../../../..');
const programs = (await import(pathToFileURL(join(checkout, 'scripts/system-packages.mjs')).href)) as Record<
  'findH2spec' | 'findHttp3Client' | 'findChromium' | 'findTestssl',
  () => string
>;

/** What a program says on both of its outputs, however it ends. */
function run(program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((done) => void execFile(program, args, { timeout: 60_000 }, (_error, stdout, stderr) => done(stdout + stderr)));
}

/** How many of its cases h2spec counts as passed, and the names of those that failed. */
async function h2spec(port: number): Promise<{ readonly passed: number; readonly failed: readonly string[] }> {
  const said = await run(programs.findH2spec(), '-t', '-k', '-h', '127.0.0.1', '-p', String(port), '-P', '/h2spec', '-o', '4');
  const failed = [...said.matchAll(/^ *× (.+)$/gm)].map((match) => (match[1] as string).replace(/^\d+: /, ''));
  return { passed: Number(/(\d+) passed/.exec(said)?.[1]), failed: [...new Set(failed)] };
}

/** Bun's own server with nothing of ours in it. */
const bare = `const f = process.argv; const tls = { cert: Bun.file(f[1]), key: Bun.file(f[2]) };
  console.log(Bun.serve({ port: 0, hostname: '127.0.0.1', tls, http2: true, fetch: () => new Response('x'.repeat(1024)) }).port);`;

async function h2specOfBun(folder: string): Promise<number> {
  const files = [join(folder, 'default.crt'), join(folder, 'default.key')];
  const server = spawn(join(checkout, 'node_modules/.bin/bun'), ['-e', bare, ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  const { passed } = await h2spec(Number(line));
  server.kill('SIGKILL');
  return passed;
}

describe("the edge's protocols, seen by others", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let certificates: string;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    certificates = join(folder.path, 'certificates');
    mkdirSync(certificates);
    writeCertificate(certificates, 'default', ['quic.test']);
    origin = await ScriptedOrigin.start();
    origin.says('/h2spec', '200 OK\r\ncache-control: max-age=600', 'x'.repeat(1024));
    origin.says('/page', '200 OK\r\ncontent-type: text/html\r\ncache-control: max-age=600', '<!doctype html><title>over QUIC</title>');
    const env = { EDGE_TLS_DIR: certificates, EDGE_TLS_PORT: '0' };
    edge = await EdgeProcess.start({ runtime: 'bun', dataDir: folder.path, originUrl: origin.url, env });
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    await origin.close();
    await folder.remove();
  });

  test('h2spec finds no more to complain about than of Bun itself', async () => {
    const ours = await h2spec(edge.tlsPort);
    const theirs = await h2specOfBun(certificates);
    expect({ ours, isAsGood: ours.passed >= theirs }).toMatchObject({ isAsGood: true });
    expect(ours.passed).toBeGreaterThanOrEqual(141);
  }, 120_000);

  test('testssl finds TLS 1.3 alone, and none of the weaknesses that it knows', async () => {
    const report = join(folder.path, 'testssl.json');
    await run(programs.findTestssl(), '--quiet', '--warnings', 'off', '--fast', '-p', '-U', '--jsonfile', report, `127.0.0.1:${edge.tlsPort}`);
    const findings = JSON.parse(readFileSync(report, 'utf8')) as ReadonlyArray<{ id: string; severity: string; finding: string }>;
    const found = (id: string): string | undefined => findings.find((one) => one.id === id)?.finding;
    expect(['SSLv3', 'TLS1', 'TLS1_1', 'TLS1_2'].map(found)).toEqual(Array.from({ length: 4 }, () => 'not offered'));
    expect([found('TLS1_3'), found('ALPN_HTTP2')]).toEqual([expect.stringContaining('offered'), 'h2']);
    expect(findings.filter(({ severity }) => ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'].includes(severity))).toEqual([]);
    expect(findings.length).toBeGreaterThan(20);
  }, 120_000);

  test('quic-go gets what is cached over HTTP/3', async () => {
    const url = `https://127.0.0.1:${edge.tlsPort}/page`;
    for (const status of ['fwd=', 'hit']) {
      const said = await run(programs.findHttp3Client(), '-insecure', url);
      expect(said).toMatch(/Status:"200 OK".*Proto:"HTTP\/3\.0"/);
      expect(said).toContain(`edge-1; ${status}`);
      expect(said).toContain('over QUIC');
    }
    expect(origin.count('/page')).toBe(1);
  });

  test('Chromium goes over to HTTP/3 by itself', async () => {
    const key = new X509Certificate(readFileSync(join(certificates, 'default.crt'))).publicKey.export({ type: 'spki', format: 'der' });
    const spki = createHash('sha256').update(key).digest('base64');
    const browser = await chromium.launch({
      executablePath: programs.findChromium(),
      args: [
        '--no-sandbox',
        `--ignore-certificate-errors-spki-list=${spki}`,
        `--origin-to-force-quic-on=quic.test:${edge.tlsPort}`,
        '--host-resolver-rules=MAP quic.test 127.0.0.1',
      ],
    });
    try {
      const page = await browser.newPage();
      const response = await page.goto(`https://quic.test:${edge.tlsPort}/page`);
      expect([response?.status(), await page.title()]).toEqual([200, 'over QUIC']);
      const protocol = await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol');
      expect(protocol).toBe('h3');
    } finally {
      await browser.close();
    }
  }, 60_000);
});
