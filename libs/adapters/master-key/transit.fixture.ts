import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As much of a transit engine as its API documentation promises to those who encrypt, decrypt and rotate one key. */
export class TransitServer {
  readonly token = randomBytes(16).toString('hex');
  readonly #server: Server;
  readonly #versions: Buffer[] = [randomBytes(32)];
  #minimum = 1;
  /** Answers 503 while true, as a sealed Vault does. */
  sealed = false;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body));
      });
    });
  }

  static async start(): Promise<TransitServer> {
    const server = new TransitServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/transit/keys/streams`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<readonly [number, object?]> {
    if (this.sealed) return [503, { errors: ['Vault is sealed'] }];
    if (request.headers['x-vault-token'] !== this.token) return [403, { errors: ['permission denied'] }];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = (chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString() || '{}')) as Record<string, string | number>;
    switch (`${request.method} ${request.url}`) {
      case 'GET /v1/transit/keys/streams':
        return [200, { data: { latest_version: this.#versions.length, min_decryption_version: this.#minimum } }];
      case 'POST /v1/transit/encrypt/streams':
        return [200, { data: { ciphertext: this.#encrypt(Buffer.from(String(body['plaintext']), 'base64')) } }];
      case 'POST /v1/transit/decrypt/streams':
        return this.#decrypt(String(body['ciphertext']));
      case 'POST /v1/transit/keys/streams/rotate':
        this.#versions.push(randomBytes(32));
        return [204];
      case 'POST /v1/transit/keys/streams/config':
        this.#minimum = Number(body['min_decryption_version']);
        return [204];
      default:
        return [404, { errors: [] }];
    }
  }

  #encrypt(text: Buffer): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#versions.at(-1) as Buffer, nonce);
    return `vault:v${this.#versions.length}:${Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64')}`;
  }

  #decrypt(ciphertext: string): readonly [number, object] {
    const [, version = '0', body = ''] = /^vault:v(\d+):(.+)$/.exec(ciphertext) ?? [];
    const key = this.#versions[Number(version) - 1];
    if (key === undefined || Number(version) < this.#minimum) return [400, { errors: ['ciphertext or signature version is disallowed by policy (too old)'] }];
    try {
      const bytes = Buffer.from(body, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(-16));
      return [200, { data: { plaintext: Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64') } }];
    } catch {
      return [400, { errors: ['cipher: message authentication failed'] }];
    }
  }
}
