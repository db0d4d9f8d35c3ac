import type { Fields } from '#core/http-cache';
import type { Logger } from '#runtime';
import { CertificateFolder } from './certificate-folder.ts';
import type { EdgeHandler } from './exchange.ts';
import type { EdgeServer, EdgeTls, ListenEdgeServer } from './edge-server.ts';
import { behindProxyProtocol } from './proxy-front.ts';
import { redirectingToHttps } from './https-redirect.ts';
import type { ListeningSettings, TlsListening } from './listening.config.ts';

export interface EdgeListenersInit extends ListeningSettings {
  readonly host: string;
  readonly idleTimeoutS: number;
  /** Whether other processes listen on the same ports. */
  readonly shared: boolean;
  /** Whether HTTP/3 can be served by this runtime. */
  readonly speaksHttp3: boolean;
}

export interface EdgeListenersDeps {
  readonly listen: ListenEdgeServer;
  readonly handler: EdgeHandler;
  /** Sees every answer, redirects to HTTPS too. */
  readonly watch?: ((handler: EdgeHandler) => EdgeHandler) | undefined;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Everything that the edge listens on. */
export interface EdgeListeners {
  /** Of plain HTTP. */
  readonly port: number;
  /** Of HTTPS, and of HTTP/3 over UDP; undefined without certificates. */
  readonly tlsPort: number | undefined;
  /** When the first certificate ends, ms since the epoch. */
  readonly certificatesValidTo: number | undefined;
  close(deadlineMs: number): Promise<void>;
  /** New connections go to other processes on these ports. */
  leave(): Promise<void>;
  sendAway(): void;
}

function hsts(seconds: number): Fields {
  return seconds === 0 ? [] : [['strict-transport-security', `max-age=${seconds}`]];
}

interface Secure {
  readonly server: EdgeServer;
  readonly folder: CertificateFolder;
}

async function openSecure(tls: TlsListening, init: EdgeListenersInit, deps: EdgeListenersDeps): Promise<Secure> {
  const { listen, handler, logger, now } = deps;
  const folder = await CertificateFolder.open(tls.certificates, { logger, now });
  if (tls.http3 && init.balancers !== undefined) logger.warn('HTTP/3 is not served behind the PROXY protocol, which TCP alone has');
  else if (tls.http3 && !init.speaksHttp3) logger.warn('HTTP/3 is served on Bun alone: this edge runs on Node, and speaks HTTP/1.1 and 2');
  const secured: EdgeTls = {
    identities: folder.identities,
    minVersion: tls.minVersion,
    http3: tls.http3 && init.speaksHttp3 && init.balancers === undefined,
    fields: hsts(tls.hstsSeconds),
  };
  const limits = { perClientMax: init.clientConnectionsMax };
  const server = await listen({ host: init.host, port: tls.port, idleTimeoutS: init.idleTimeoutS, shared: init.shared, handler, limits, tls: secured }).catch(
    (error: unknown) => {
      throw Object.assign(error as Error, { port: tls.port });
    },
  );
  folder.watch((identities) => server.replaceCertificates(identities));
  return { server, folder };
}

/** Plain HTTP, and with certificates HTTPS beside it. @throws Error with `code` EADDRINUSE and the `port` that is taken */
export async function openListeners(init: EdgeListenersInit, given: EdgeListenersDeps): Promise<EdgeListeners> {
  const watch = given.watch ?? ((watched) => watched);
  const watched = { ...given, handler: watch(given.handler) };
  const deps = init.balancers === undefined ? watched : { ...watched, listen: behindProxyProtocol(given.listen, init.balancers) };
  const secure = init.tls === undefined ? undefined : await openSecure(init.tls, init, deps);
  const redirects = secure !== undefined && init.tls?.redirect === true;
  const handler = redirects ? watch(redirectingToHttps(given.handler, () => secure.server.port)) : deps.handler;
  const limits = { perClientMax: init.clientConnectionsMax };
  const plain = await deps.listen({ host: init.host, port: init.port, idleTimeoutS: init.idleTimeoutS, shared: init.shared, handler, limits });
  return {
    port: plain.port,
    tlsPort: secure?.server.port,
    get certificatesValidTo() {
      return secure?.folder.validTo;
    },
    leave: async () => {
      await Promise.all([plain.leave(), secure?.server.leave()]);
    },
    sendAway: () => {
      plain.sendAway();
      secure?.server.sendAway();
    },
    close: async (deadlineMs) => {
      await secure?.folder.stop();
      await Promise.all([plain.close(deadlineMs), secure?.server.close(deadlineMs)]);
    },
  };
}
