import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { topicPartitions } from '#events';
import fastify, { type FastifyRequest } from 'fastify';

/**
 * The peer: a server that parses a batch and appends it as it is. No rights, no catalogue, no idempotence; what the gateway
 * costs beyond it is what these cost.
 */
const log = new SqliteEventLog({ path: process.argv[2] ?? '' }, { clock: new SystemClock() });
await log.ensureTopic('content', topicPartitions);
const app = fastify({ bodyLimit: 4_194_304 });
app.addContentTypeParser<string>('application/cloudevents-batch+json', { parseAs: 'string' }, (_, text, done) => done(null, JSON.parse(text)));
const append = async (request: FastifyRequest): Promise<object> => {
  const events = request.body as ReadonlyArray<{ id: string; type: string; data: { contentId: string } }>;
  const records = events.map(({ id, type, data }) => ({ key: data.contentId, headers: { ce_id: id, ce_type: type }, value: JSON.stringify(data) }));
  const positions = await log.append('content', records);
  return { events: positions.map(({ partition, offset }) => ({ partition, offset: String(offset) })) };
};
app.route({ method: 'POST', url: '/api/v1/events', handler: append });
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
process.once('SIGTERM', () => void app.close().then(() => log.close()));
