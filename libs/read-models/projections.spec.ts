import { catalogue, checkData, type DomainEvent, type EventDefinition } from '#events';
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

test('each writes columns that its tables have, from the newest sample of every event', () => {
  const definitions = catalogue as readonly EventDefinition[];
  const unknown: string[] = [];
  for (const { name, contexts: topics, handles, tables, project } of projections) {
    for (const definition of definitions.filter(({ context, type }) => topics.includes(context) && handles.includes(type))) {
      const { type, version, context } = definition;
      const data = checkData(definition, definition.samples.at(-1));
      const about = { id: 'e-1', source: '/test', time: 1_790_000_000_000, tenant: 'default', actor: 'key:k-1', correlationId: 'c', causationId: 'c' };
      const event = {
        ...about,
        type,
        version,
        context,
        data,
        subject: definition.subject(data),
        key: definition.key(data),
        streamVersion: 1n,
        producerEpoch: 1n,
      };
      for (const { table, set } of project(event as unknown as DomainEvent, about.time)) {
        const known = tables.find((one) => one.name === table)?.columns ?? {};
        unknown.push(...Object.keys(set).flatMap((column) => (column in known ? [] : [`${name}: ${table}.${column} of ${type}`])));
      }
    }
  }
  expect(unknown).toEqual([]);
});
