export { postgresJobs, redisJobs, type PostgresJobsInit } from './backends.ts';
export { BullmqJobQueue, type JobTimes } from './bullmq-job-queue.adapter.ts';
