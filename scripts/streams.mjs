#!/usr/bin/env node
// The `streams` command of this checkout: `npx streams …`.
process.argv.splice(2, 0, 'streams');
await import('./bootstrap.mjs');
