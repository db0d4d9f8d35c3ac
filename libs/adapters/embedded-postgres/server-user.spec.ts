import { expect, test } from '@jest/globals';
import { findUser } from './server-user.ts';

const passwd =
  'root:x:0:0:root:/root:/bin/bash\npostgresql:x:7:8::/:/bin/false\npostgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\nbroken:x::\n';

test.each([
  ['postgres', { uid: 101, gid: 104 }],
  ['root', { uid: 0, gid: 0 }],
  ['broken', undefined],
  ['streams-postgres', undefined],
  ['', undefined],
])('finds %s', (name, expected) => {
  expect(findUser(passwd, name)).toEqual(expected);
});
