import { BullmqJobQueue, postgresJobs, redisJobs } from './index.ts';

const [backend = '', url = '', kind = ''] = process.argv.slice(2);
const queue = new BullmqJobQueue(backend === 'postgres' ? postgresJobs({ url }) : redisJobs(url), { lockMs: 1500, stalledMs: 500 });
await queue.work({ kind, concurrency: 1 }, async (id) => {
  process.send?.(id);
  await new Promise(() => undefined);
});
