export { FailSoftRateLimiter, type FailSoftDeps, type FailSoftInit } from './fail-soft-rate-limiter.adapter.ts';
export { RedisConnection, type RedisInit } from './redis-connection.ts';
export { RedisRateLimiter } from './redis-rate-limiter.adapter.ts';
