import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { docsPage } from './docs-page.ts';
import { openApiOf } from './openapi.ts';
import { operations } from './operations.ts';

describe('the OpenAPI document', () => {
  test('is committed as it would be generated now', async () => {
    // Differs? Run `npm run generate`, look at the difference, and commit it.
    const committed = await readFile(new URL('../../../../docs/openapi.json', import.meta.url), 'utf8');
    expect(committed).toBe(`${JSON.stringify(openApiOf(operations), undefined, 2)}\n`);
  });

  test('operations have names and paths of their own', () => {
    expect(new Set(operations.map((op) => op.id)).size).toBe(operations.length);
    expect(new Set(operations.map((op) => `${op.method} ${op.path}`)).size).toBe(operations.length);
  });

  test('every parameter of a path is described', () => {
    for (const op of operations) {
      const named = [...op.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1]);
      const shape = op.params === undefined ? {} : (op.params as unknown as { shape: object }).shape;
      expect(Object.keys(shape)).toEqual(named);
    }
  });

  test('every operation needs a key', () => {
    expect(operations.filter((op) => op.scopes.length === 0)).toEqual([]);
  });

  test('its page shows every operation, and nothing unescaped', () => {
    const page = docsPage(operations);
    for (const op of operations) expect(page).toContain(op.path.replace(/:([A-Za-z]+)/g, '{$1}'));
    expect(page).not.toMatch(/<script/i);
  });
});
