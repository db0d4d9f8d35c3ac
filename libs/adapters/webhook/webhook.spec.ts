import { expect, test } from '@jest/globals';
import { isPublicAddress, literalAddressOf } from './public-address.ts';
import { secretText, signatureHeaders, signatureOf } from './standard-webhooks.codec.ts';

test('a message is signed as the test vector of Standard Webhooks says', () => {
  const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
  expect(signatureOf(message, secret)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  expect(secretText(secret)).toBe('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  expect(signatureHeaders(message, [secret, Buffer.alloc(24)])['webhook-signature']).toMatch(/^v1,g0hM\S+ v1,\S+=$/);
});

test.each([
  ...['93.184.216.34', '1.1.1.1', '2606:4700::1111', '::ffff:8.8.8.8'].map((address) => [address, true] as const),
  ...['127.0.0.1', '127.9.9.9', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '0.0.0.0'].map((one) => [one, false] as const),
  ...['100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '::1', '::', 'fe80::1', 'fe80::1%eth0'].map((one) => [one, false] as const),
  ...['fc00::1', 'fd12::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1'].map(
    (one) => [one, false] as const,
  ),
  ['not an address', false],
])('%s is public: %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

test.each([
  ['http://0x7f.1/', '127.0.0.1'],
  ['http://2130706433/', '127.0.0.1'],
  ['http://017700000001/', '127.0.0.1'],
  ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
  ['http://example.com/', undefined],
])('%s leads to %s by itself', (url, address) => {
  expect(literalAddressOf(new URL(url))).toBe(address);
});
