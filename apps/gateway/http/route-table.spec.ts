import { expect, test } from '@jest/globals';
import { RouteTable } from './route-table.ts';

const routes = new RouteTable();
routes.add('GET', '/a/:id');
routes.add(['POST', 'DELETE'], '/a/:id');
routes.add('GET', '/a.b/:id/c');
routes.add('GET', '/*');

test.each([
  ['/a/1', ['DELETE', 'GET', 'POST']],
  ['/a/1/', ['DELETE', 'GET', 'POST']],
  ['/a/', []],
  ['/a/1/2', []],
  ['/a.b/1/c', ['GET']],
  ['/axb/1/c', []],
])('%s has %j', (path, methods) => expect(routes.methodsOf(path)).toEqual(methods));
