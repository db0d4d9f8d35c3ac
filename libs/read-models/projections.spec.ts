import { expect, test } from '@jest/globals';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projections } from './projections.ts';

const root = join(import.meta.dirname, '../../..');

/** What each context of the sources offers, as compiled: a build leaves what is no longer there. */
async function contexts(): Promise<readonly object[]> {
  const paths = globSync('libs/domain/*/index.ts', { cwd: root });
  return Promise.all(paths.map((path) => import(pathToFileURL(join(root, 'dist', path.replace(/\.ts$/, '.js'))).href) as Promise<object>));
}

function isProjection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'project' in value && 'tables' in value;
}

test('every projection of every context is listed, once', async () => {
  const offered = (await contexts()).flatMap((context) => Object.values(context).filter((value) => isProjection(value)));
  expect(offered.length).toBeGreaterThan(10);
  expect(new Set(projections)).toEqual(new Set(offered));
  expect(projections).toHaveLength(offered.length);
});

test('no two share a name, or a table', () => {
  const names = projections.map(({ name }) => name);
  const tables = projections.flatMap((projection) => projection.tables.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(tables).size).toBe(tables.length);
});
