import { beforeAll, describe, expect, test } from '@jest/globals';
import { allMetrics } from '#runtime';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProject, root, type Rule } from './project.ts';
import { adaptersConform } from './rules/conformance.ts';
import { eventNamesOnce } from './rules/events.ts';
import { environment, noAny, noFocus, noMarkers } from './rules/hygiene.ts';
import { layers, nestOnlyAtTheTop, noCycles, noDeepImports } from './rules/layers.ts';
import { kebabCase, noDrawers, oneIndex, roleSuffixes } from './rules/names.ts';
import { projectionsOnce } from './rules/projections.ts';
import { noModuleState, pureImports, pureNames } from './rules/purity.ts';
import { fileSizes, functionSizes, report } from './rules/sizes.ts';
import { readSource, type SourceFile } from './source-file.ts';

const rules: ReadonlyArray<readonly [string, Rule]> = [
  ['every import goes down the layers', layers],
  ['libraries are reached by their entrance', noDeepImports],
  ['NestJS stays in the runtime and the apps', nestOnlyAtTheTop],
  ['no room imports itself by way of others', noCycles],
  ['pure code names no clock, dice or outside world', pureNames],
  ['pure code imports no package', pureImports],
  ['pure code keeps no state in modules', noModuleState],
  ['event names are written once', eventNamesOnce],
  ['the list of read models is written once', projectionsOnce],
  ['adapters are held to their ports', adaptersConform],
  ['only settings read the environment', environment],
  ['nothing is left for later', noMarkers],
  ['no test is hidden', noFocus],
  ['no "any" where data is shaped', noAny],
  ['roles stand where they belong', roleSuffixes],
  ['file names are kebab-case', kebabCase],
  ['no room is a drawer', noDrawers],
  ['every library has one entrance', oneIndex],
  ['files fit in a head', fileSizes],
  ['functions fit on a screen', functionSizes],
];

let files: readonly SourceFile[];
beforeAll(() => {
  files = readProject();
});

describe('the house is tidy', () => {
  beforeAll(() => {
    process.stderr.write(`${report(files)}
`);
  });

  test.each(rules)('%s', (_, rule) => {
    expect(rule(files)).toEqual([]);
  });
});

describe('docs/OPERATIONS.md', () => {
  const rows = readFileSync(join(root, 'docs/OPERATIONS.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split(' | '));

  test('names metrics that there are', () => {
    const named = rows.flatMap((row) => row.join(' ').match(/streams_[a-z_]+/g) ?? []);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !allMetrics.some((metric) => metric.name === name))).toEqual([]);
  });

  test('quotes lines that are said', () => {
    const said = files
      .filter(({ path }) => !/^(test|bench)|spec\.ts$|testing\//.test(path))
      .map(({ text }) => text)
      .join('\n');
    const quoted = rows.flatMap(([, lines = '']) => [...lines.matchAll(/`([^`]+)`/g)].flatMap(([, quote = '']) => quote.split('…')));
    const parts = quoted.map((part) => part.trim()).filter((part) => part !== '');
    expect(parts.length).toBeGreaterThan(20);
    expect(parts.filter((part) => !said.includes(part))).toEqual([]);
  });
});

/** Each rule must be able to object. */
const offences: ReadonlyArray<readonly [Rule, string, string, string]> = [
  [layers, 'libs/kernel/a.ts', "import '#events';", 'libs/kernel may not import libs/events'],
  [layers, 'libs/domain/stream/a.ts', "import '#domain/cache';", 'libs/domain/stream may not import libs/domain/cache'],
  [layers, 'libs/core/hls/a.ts', "export { a } from '#core/rtmp';", 'libs/core/hls may not import libs/core/rtmp'],
  [layers, 'apps/edge/a.ts', "await import('../gateway/b.ts');", 'apps/edge may not import apps/gateway'],
  [noDeepImports, 'apps/edge/a.ts', "import '../../libs/kernel/assert.ts';", 'reach libs/kernel by its # subpath'],
  [nestOnlyAtTheTop, 'libs/ports/a.ts', "import '@nestjs/common';", '@nestjs'],
  [pureNames, 'libs/core/hls/a.ts', 'export const a = () => Date.now();', 'Date has no place'],
  [pureNames, 'libs/domain/stream/a.ts', 'export async function a() { await 1; }', 'await has no place'],
  [pureNames, 'apps/edge/a.core.ts', 'export const a = Math.random();', 'Math.random has no place'],
  [pureImports, 'libs/core/hls/a.ts', "import 'node:fs';", 'imports no package'],
  [noModuleState, 'libs/core/hls/a.ts', 'export let a = 0;', 'module state'],
  [eventNamesOnce, 'apps/edge/a.ts', "export const a = 'stream.created';", 'take "stream.created" from the catalogue'],
  [projectionsOnce, 'apps/edge/a.ts', "import { aProjection, bProjection, cProjection } from '#domain/cache';", 'take the list of #read-models'],
  [environment, 'apps/edge/a.ts', "export const a = process.env['A'];", 'only *.config.ts'],
  [noFocus, 'libs/core/hls/a.spec.ts', "test.only('a', () => {});", 'test.only hides tests'],
  [noMarkers, 'apps/edge/a.ts', ['// TO', 'DO later'].join(''), 'finish it'],
  [noAny, 'libs/core/hls/a.ts', 'export function a(b: any) {}', 'any'],
  [roleSuffixes, 'libs/core/hls/a.stuff.ts', '', '"stuff" is no role'],
  [roleSuffixes, 'libs/core/hls/a.controller.ts', '', 'does not belong here'],
  [kebabCase, 'libs/core/hls/fooBar.ts', '', 'kebab-case'],
  [noDrawers, 'libs/runtime/helpers/a.ts', '', 'a drawer is no room'],
  [oneIndex, 'libs/core/hls/a.ts', '', 'has no index.ts'],
  [fileSizes, 'apps/edge/a.ts', '\n'.repeat(501), '501 lines'],
  [functionSizes, 'apps/edge/a.ts', `export function a() {${'\n'.repeat(70)}}`, 'a has 71 lines'],
];

describe('the rules object', () => {
  test.each(offences)('%# %p to %s', (rule, path, text, complaint) => {
    expect(rule([readSource(path, text)]).join('\n')).toContain(complaint);
  });

  test('to rooms that import each other', () => {
    const files = [readSource('libs/core/hls/a.ts', "import '#core/fmp4';"), readSource('libs/core/fmp4/a.ts', "import '#core/hls';")];
    expect(noCycles(files)).toHaveLength(2);
  });

  test('to an adapter that no suite tries', () => {
    const port = readSource('libs/ports/blob-store.port.ts', 'export abstract class BlobStore {}');
    const adapter = readSource('libs/adapters/x-blob/a.adapter.ts', "import { BlobStore } from '#ports'; export class XBlobStore extends BlobStore {}");
    expect(adaptersConform([port, adapter])).toEqual(['libs/adapters/x-blob/a.adapter.ts: XBlobStore is not tried by blobStoreConformance']);
  });
});
