import { object, type Rule } from '../project.ts';
import { unitOf } from './layers.ts';

/** What a file's second name may be: its role, and with it where it may stand. */
const roles: Readonly<Record<string, RegExp | undefined>> = {
  core: undefined,
  codec: undefined,
  constants: undefined,
  errors: undefined,
  config: undefined,
  types: undefined,
  tables: undefined,
  state: undefined,
  main: undefined,
  cases: undefined,
  fixture: undefined,
  conformance: /^libs\/(ports|adapters)\//,
  commands: undefined,
  command: /^apps\//,
  decider: /^libs\/domain\//,
  projection: /^libs\/(domain|kernel)\/|^apps\//,
  policy: undefined,
  events: /^libs\/events\//,
  port: /^libs\/ports\//,
  adapter: /^(libs\/adapters|apps)\//,
  module: /^(apps|libs\/runtime)\//,
  controller: /^apps\//,
  handler: /^(apps|libs\/runtime)\//,
  guard: /^apps\//,
  filter: /^apps\//,
  contract: /^apps\//,
  view: /^apps\//,
  document: /^apps\//,
  app: /^apps\//,
  telemetry: undefined,
  migration: /^migrations\//,
  bench: /^bench\//,
  file: undefined,
  spec: undefined,
  'int-spec': undefined,
  'sim-spec': undefined,
  'e2e-spec': undefined,
};

/** The last one decides where a file may stand; a spec carries its subject's role before its own. */
export const roleSuffixes: Rule = (files) =>
  files
    .filter((file) => !file.path.endsWith('.mjs') && !file.path.startsWith('apps/console/'))
    .flatMap((file) => {
      const [, ...suffixes] = (file.path.split('/').at(-1) ?? '').replace(/\.tsx?$/, '').split('.');
      const role = suffixes.at(-1);
      if (role === undefined) return [];
      if (!(role in roles)) return [object(file, 1, `"${role}" is no role: see test/tidy/rules/names.ts`)];
      return roles[role]?.test(file.path) === false ? [object(file, 1, `a ${role} does not belong here`)] : [];
    });

export const kebabCase: Rule = (files) =>
  files.flatMap((file) =>
    /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.(ts|tsx|mjs)$/.test(file.path.split('/').at(-1) ?? '')
      ? []
      : [object(file, 1, 'file names are kebab-case')],
  );

const drawers = /(^|\/)(commons?|shared|utils?|helpers?|misc|base)(\/|\.ts$)/;

export const noDrawers: Rule = (files) =>
  files.filter((file) => /^(libs|apps)\//.test(file.path) && drawers.test(file.path)).map((file) => object(file, 1, 'a drawer is no room: name what it is'));

/** Every library has one entrance. */
export const oneIndex: Rule = (files) => {
  const units = new Set(files.map((file) => unitOf(file.path)).filter((unit) => unit.startsWith('libs/')));
  const paths = new Set(files.map((file) => file.path));
  return [...units].filter((unit) => !paths.has(`${unit}/index.ts`)).map((unit) => `${unit}: has no index.ts`);
};
