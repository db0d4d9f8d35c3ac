import { at } from './paths.mjs';

/** What each command of package.json runs: a compiled program of ours, or a tool of node_modules that needs no build. */
export const tasks = {
  build: {},
  start: { program: at('dist/apps/streams/main.js'), args: ['up'] },
  streams: { program: at('dist/apps/streams/main.js'), args: [] },
  test: { program: at('dist/scripts/test/main.js'), args: [] },
  generate: { program: at('dist/scripts/generate-events.js'), args: [] },
  bench: { program: at('dist/bench/main.js'), args: [] },
  lint: { program: at('dist/scripts/test/main.js'), args: ['lint'] },
  format: { tool: at('node_modules/oxfmt/bin/oxfmt'), args: [] },
};
