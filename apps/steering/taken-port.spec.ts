import { describe, expect, test } from '@jest/globals';
import { tellTaken } from './taken-port.ts';

describe('a port that is taken', () => {
  const taken = () => Promise.reject(Object.assign(new Error('listen EADDRINUSE: address already in use'), { code: 'EADDRINUSE' }));

  test('is told with the setting that moves it, and with who took it where that is known', async () => {
    await expect(tellTaken(taken(), { variable: 'STEERING_PORT', port: 8085, metricsPort: 9465 })).rejects.toThrow(
      /STEERING_PORT.* 8085, which is taken: set it/,
    );
    await expect(tellTaken(taken(), { variable: 'STEERING_PORT', port: 9465, metricsPort: 9465 })).rejects.toThrow(/STEERING_PORT.*METRICS_PORT/);
    await expect(tellTaken(Promise.reject(new Error('other')), { variable: 'STEERING_DNS_PORT', port: 8053, metricsPort: 9465 })).rejects.toThrow('other');
    await expect(tellTaken(Promise.resolve(), { variable: 'STEERING_PORT', port: 8085, metricsPort: 9465 })).resolves.toBeUndefined();
  });
});
