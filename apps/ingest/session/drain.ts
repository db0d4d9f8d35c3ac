import type { Clock, LeaseStore } from '#ports';
import { pause, type Logger } from '#runtime';
import type { SessionRegistry } from './session-registry.ts';

export interface DrainInit {
  readonly node: string;
  /** How long publishers that were asked to reconnect have for it; 0 ends them at once. */
  readonly drainMs: number;
}

export interface DrainDeps {
  readonly registry: SessionRegistry;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookEveryMs = 50;

/**
 * Ends all sessions so that their publishers lose as little as they can. Those that understand it are asked to connect
 * again (Enhanced RTMP v2, "Reconnect Request") and go on sending until they have: so they find another node behind the
 * same name before they leave this one, and its right to publish has to be free for that.
 */
export async function drainSessions({ node, drainMs }: DrainInit, { registry, leases, clock, logger }: DrainDeps): Promise<void> {
  const asked = registry.live.filter((session) => session.connection.askReconnect(`The server ${node} is being updated.`));
  if (asked.length > 0 && drainMs > 0) {
    logger.info({ asked: asked.length, live: registry.size, drainMs }, 'publishers are asked to reconnect elsewhere');
    for (const session of asked) {
      registry.letGo(session);
      await leases.release(session.lease).catch((err: unknown) => logger.warn({ err }, 'a lease was not given back before its publisher left'));
    }
    const deadline = clock.now() + drainMs;
    while (clock.now() < deadline && asked.some((session) => registry.find(session) === session)) await pause(lookEveryMs);
  }
  await registry.endAll({ reason: 'shutdown', detail: `${node} is shutting down.` }, 'The server is shutting down. Connect again.');
}
