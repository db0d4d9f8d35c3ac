import { RateLimiter, type RateDecision, type RatePolicy } from '#ports';
import type { RedisConnection } from './redis-connection.ts';

/**
 * `spend` of libs/ports, by the clock of the server, so that the clocks of many gateways do not matter. The key holds
 * when the whole limit is there again, and is gone by then. What is refused writes nothing.
 */
const script = `
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local unit = window / limit
local debt = math.max(0, tonumber(redis.call('GET', KEYS[1]) or 0) - now)
local over = debt + math.min(cost * unit, window) - window
local allowed = over <= 0.01
local owed = allowed and debt + cost * unit or debt
if allowed and cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.3f', now + owed), 'PX', math.ceil(owed))
end
local remaining = math.max(0, math.floor((window - owed + 0.01) / unit))
return { allowed and 1 or 0, remaining, allowed and 0 or math.ceil(over), math.ceil(owed) }
`;

type Answer = readonly [allowed: number, remaining: number, retryAfterMs: number, resetMs: number];

interface WithScript {
  streamsRateTake(key: string, limit: number, windowMs: number, cost: number): Promise<Answer>;
}

/**
 * Counts for all processes that share a Redis, one round trip each. A flushed Redis gives everybody a whole limit again.
 * Errors: those of {@link RedisConnection.run}.
 */
export class RedisRateLimiter extends RateLimiter {
  readonly #redis: RedisConnection;
  #isDefined = false;

  constructor(redis: RedisConnection) {
    super();
    this.#redis = redis;
  }

  override async take(name: string, cost: number, { limit, windowMs }: RatePolicy): Promise<RateDecision> {
    const answer = await this.#redis.run((client) => {
      // Sent by its hash; the whole text only where the server does not know it yet, or any more.
      if (!this.#isDefined) client.defineCommand('streamsRateTake', { numberOfKeys: 1, lua: script });
      this.#isDefined = true;
      return (client as unknown as WithScript).streamsRateTake(`streams:rate:${name}`, limit, windowMs, cost);
    });
    const [allowed, remaining, retryAfterMs, resetMs] = answer;
    return { allowed: allowed === 1, remaining, retryAfterMs, resetMs };
  }
}
