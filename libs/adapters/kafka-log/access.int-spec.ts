/** @needs java maven openssl */
import { execFile, execFileSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { alterUserScramCredentialsV0, Connection, ScramMechanisms } from '@platformatic/kafka';
import type { OperatingError } from '#kernel';
import { freePort } from '../../../test/constellation/free-ports.ts';
import { KafkaCluster, kafkaStartTimeoutMs } from '../../../test/constellation/kafka/index.ts';
import { KafkaEventLog } from './kafka-event-log.adapter.ts';
import type { KafkaLogInit, KafkaSasl } from './kafka-log.types.ts';

jest.setTimeout(120_000);

const [username, password] = ['streams', 'p4ss:w=rd,'];

/** An authority and a server certificate of it for 127.0.0.1, made by openssl. */
function certificates(folder: string): { readonly ca: string; readonly chain: string; readonly key: string } {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
    '-subj',
    '/CN=broker',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  );
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'server.pem',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
  );
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { ca: read('ca.pem'), chain: read('server.pem'), key: read('server.key') };
}

/** As a line of a properties file. */
const inline = (text: string): string => text.trim().replaceAll('\n', ' \\\n');

describe('a Kafka that asks who we are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-access-'));
  let cluster: KafkaCluster;
  let ca: string;
  let secure: string;

  beforeAll(async () => {
    const made = certificates(folder);
    ca = made.ca;
    const port = await freePort();
    secure = `127.0.0.1:${port}`;
    const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
    cluster = await KafkaCluster.start({
      brokers: 1,
      properties: (own) => ({
        listeners: `${own['listeners']},SECURE://${secure}`,
        'advertised.listeners': `${own['advertised.listeners']},SECURE://${secure}`,
        'listener.security.protocol.map': `${own['listener.security.protocol.map']},SECURE:SASL_SSL`,
        'listener.name.secure.ssl.keystore.type': 'PEM',
        'listener.name.secure.ssl.keystore.certificate.chain': inline(made.chain),
        'listener.name.secure.ssl.keystore.key': inline(made.key),
        'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="plain-secret";`,
        'listener.name.secure.scram-sha-256.sasl.jaas.config': scram,
        'listener.name.secure.scram-sha-512.sasl.jaas.config': scram,
        'listener.name.secure.oauthbearer.sasl.jaas.config':
          'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
      }),
    });
    await addScramUser(cluster.address);
  }, kafkaStartTimeoutMs);

  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function logOf(sasl: KafkaSasl | undefined, tls: KafkaLogInit['tls']): KafkaEventLog {
    return new KafkaEventLog({ brokers: [secure], clientId: 'access', sasl, tls, topicPrefix: `a-${randomUUID()}-` });
  }

  test.each<KafkaSasl>([
    { mechanism: 'PLAIN', username, password: 'plain-secret' },
    { mechanism: 'SCRAM-SHA-256', username, password },
    { mechanism: 'SCRAM-SHA-512', username, password },
    { mechanism: 'OAUTHBEARER', password: unsecuredToken() },
  ])('lets us in by $mechanism over TLS', async (sasl) => {
    const log = logOf(sasl, { ca });
    try {
      await log.reached(() => undefined);
      await log.ensureTopic('t', 2);
      const producer = { id: 'p', epoch: 1n, sequence: 0n };
      const [plain] = await log.append('t', [{ key: 'k', headers: {}, value: 'plain' }]);
      await log.append('t', [{ key: 'k', headers: {}, value: 'guarded' }], { producer });
      const { records } = await log.read('t', plain?.partition ?? 0, 0n, { recordsMax: 10, bytesMax: 10_000, waitMs: 0 });
      expect(records.map(({ value }) => value)).toEqual(['plain', 'guarded']);
    } finally {
      await log.close();
    }
  });

  // Brokers say the address of a listener: here, and in many clusters, an IP address.
  test.each(['bun', 'node'])('lets the edge in on %s, without a word of its own', async (runtime) => {
    const init: KafkaLogInit = { brokers: [secure], clientId: 'edge', sasl: { mechanism: 'PLAIN', username, password: 'plain-secret' }, tls: { ca } };
    const { stdout, stderr } = await promisify(execFile)(
      fileURLToPath(new URL(`../../../../node_modules/.bin/${runtime}`, import.meta.url)),
      ['--eval', appendOnce(fileURLToPath(new URL('./index.js', import.meta.url)), { ...init, topicPrefix: `b-${randomUUID()}-` })],
      { timeout: 60_000, killSignal: 'SIGKILL' },
    );
    expect([stdout.trim(), stderr.trim()]).toEqual(['0', '']);
  });

  test.each<readonly [string, KafkaSasl]>([
    ['a wrong password', { mechanism: 'PLAIN', username, password: 'guessed' }],
    ['a wrong password', { mechanism: 'SCRAM-SHA-512', username, password: 'guessed' }],
    ['an unknown user', { mechanism: 'SCRAM-SHA-256', username: 'nobody', password }],
  ])('refuses %s at once, instead of waiting for ever (%j)', async (_what, sasl) => {
    const log = logOf(sasl, { ca });
    const refusal = await log
      .reached(() => undefined)
      .then(
        () => undefined,
        (error: unknown) => error as OperatingError,
      );
    expect(refusal).toMatchObject({ code: 'LOG_REFUSED', retryable: false });
    expect(refusal?.message).toMatch(/^Kafka refuses us: .*(failed|invalid).*\. Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD\.$/i);
    await log.close();
  });

  test('is not believed to be whom it says it is without its authority', async () => {
    const log = logOf({ mechanism: 'PLAIN', username, password: 'plain-secret' }, {});
    await expect(log.reached(() => undefined)).rejects.toMatchObject({
      code: 'LOG_REFUSED',
      message: expect.stringMatching(/^Kafka's certificate is not to be trusted: .*certificate.*Check KAFKA_TLS_CA and the names in KAFKA_BROKERS\.$/),
    });
    await log.close();
  });

  test('says what a listener may want that closes every connection', async () => {
    const log = logOf(undefined, { ca });
    const said = await new Promise((resolve) => void log.reached(resolve).catch(() => undefined));
    expect(said).toMatchObject({ code: 'LOG_UNAVAILABLE', retryable: true, message: expect.stringContaining('Does it want SASL (KAFKA_SASL_MECHANISM)?') });
    await log.close();
  });
});

/** A program that appends an event and prints its offset. */
function appendOnce(library: string, init: KafkaLogInit): string {
  return `
    const { KafkaEventLog } = await import(${JSON.stringify(library)});
    const log = new KafkaEventLog(${JSON.stringify(init)});
    await log.reached(() => undefined);
    await log.ensureTopic('t', 1);
    const [{ offset }] = await log.append('t', [{ key: 'k', headers: {}, value: 'v' }], { producer: { id: 'p', epoch: 1n, sequence: 0n } });
    console.log(String(offset));
    await log.close();
    process.exit(0);`;
}

/** As Kafka's own tool does it: the broker keeps the salted password (RFC 5802). */
async function addScramUser(address: string): Promise<void> {
  const [host, port] = address.split(':') as [string, string];
  const connection = new Connection('access');
  await connection.connect(host, Number(port));
  const salt = randomBytes(16);
  const upsertions = (
    [
      ['sha256', 32, ScramMechanisms.SCRAM_SHA_256],
      ['sha512', 64, ScramMechanisms.SCRAM_SHA_512],
    ] as const
  ).map(([hash, length, mechanism]) => ({
    name: username,
    mechanism,
    iterations: 4096,
    salt,
    saltedPassword: pbkdf2Sync(password, salt, 4096, length, hash),
  }));
  // A request names a user once.
  for (const upsertion of upsertions) await alterUserScramCredentialsV0.api.async(connection, [], [upsertion]);
  await connection.close();
}

/** What a broker without a token service accepts (RFC 7515, appendix A.5). */
function unsecuredToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: username, iat: now, exp: now + 3600 })}.`;
}
