import { expect, test } from '@jest/globals';
import { AddressList, networkFault, sourceNetwork } from './address-list.core.ts';

test.each<[string, readonly string[], readonly string[]]>([
  ['203.0.113.0/24', ['203.0.113.0', '203.0.113.255', '::ffff:203.0.113.9', '[::ffff:203.0.113.9]'], ['203.0.114.0', '::cb00:7109', 'x']],
  ['10.1.2.3', ['10.1.2.3'], ['10.1.2.4', '']],
  ['10.0.0.0/9', ['10.127.0.1'], ['10.128.0.1']],
  ['0.0.0.0/0', ['1.2.3.4'], ['2001:db8::1']],
  ['2001:db8::/32', ['2001:db8::1', '2001:DB8:ffff::', '2001:db8::1%eth0'], ['2001:db9::', '1.2.3.4']],
  ['::/0', ['::1', '1.2.3.4'], ['nonsense']],
  ['fe80::1', ['fe80:0:0:0:0:0:0:1'], ['fe80::2']],
])('%s has what lies in it and nothing else', (network, inside, outside) => {
  const list = AddressList.parse(['192.0.2.1', network]);
  if (typeof list === 'string') throw new Error(list);
  for (const address of inside) expect([address, list.has(address)]).toEqual([address, true]);
  for (const address of outside) expect([address, list.has(address)]).toEqual([address, false]);
});

test.each([
  '',
  '10.0.0',
  '10.0.0.256',
  '010.0.0.1',
  '10.0.0.0/33',
  '10.0.0.0/8/8',
  '10.0.0.0/x',
  '2001:db8',
  '::1::',
  ':::',
  '2001:db8::/129',
  'g::',
  '1:2:3:4:5:6:7:8::',
  'host',
])('%j is no network', (text) => {
  expect(AddressList.parse(['10.0.0.1', text])).toBe(text);
});

test.each([
  ['203.0.113.7', undefined],
  ['203.0.113.0/24', undefined],
  ['10.0.0.0/8', undefined],
  ['::ffff:10.0.0.0/104', undefined],
  ['2001:db8::/32', undefined],
  ['2001:db8::9', undefined],
  ['fd00::/16', undefined],
  ['example.org', 'Expected an address'],
  ['10.0.0.0/33', 'Expected an address'],
  ['0.0.0.0/0', 'nearly everybody'],
  ['128.0.0.0/7', 'nearly everybody'],
  ['::/0', 'nearly everybody'],
  ['::/64', 'nearly everybody'],
  ['::ffff:0:0/96', 'nearly everybody'],
  ['2000::/3', 'nearly everybody'],
  ['10.1.0.0/8', 'no bits behind'],
  ['203.0.113.7/31', 'no bits behind'],
  ['2001:db8::1/32', 'no bits behind'],
])('%s among the few who may: %s', (text, fault) => {
  const told = networkFault(text);
  if (fault === undefined) expect(told).toBeUndefined();
  else expect(told).toContain(fault);
});

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '::ffff:203.0.113.7'],
  ['2001:db8:1:2:3::9', '20010db800010002/64'],
  ['2001:DB8:1:2::', '20010db800010002/64'],
  ['::1', '0000000000000000/64'],
  ['', ''],
])('%s counts as %s', (address, source) => {
  expect(sourceNetwork(address)).toBe(source);
});
