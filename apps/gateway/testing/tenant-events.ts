import { contexts } from '#events';
import type { World } from './gateway.fixture.ts';

/** Everything on the log that belongs to the tenant, as it stands there. */
export async function eventsOf(world: World, tenant: string): Promise<string[]> {
  await world.settle();
  const found: string[] = [];
  for (const topic of contexts) {
    for (const { partition, low, high } of await world.engines.log.heads(topic)) {
      for (let from = low; from < high;) {
        const { records, next } = await world.engines.log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
        for (const { headers, offset } of records) if (headers['ce_tenant'] === tenant) found.push(`${topic}/${partition}/${offset} ${headers['ce_type']}`);
        from = next;
      }
    }
  }
  return found;
}
