#!/usr/bin/env node
// Usage: node scripts/complete-lock.mjs   (after `npm install PACKAGE`)
// Native packages list one optional dependency per platform, and npm leaves those out of the lock file that the
// registry in use does not offer; `npm ci` then refuses the lock file everywhere. This adds the missing entries: their
// versions are exact in their parents, their platforms stand in their names.
import { readFileSync, writeFileSync } from 'node:fs';
import { at } from './bootstrap/paths.mjs';

const systems = { android: 'android', darwin: 'darwin', freebsd: 'freebsd', linux: 'linux', openharmony: 'openharmony', win32: 'win32' };
const processors = { arm: 'arm', arm64: 'arm64', ia32: 'ia32', loong64: 'loong64', ppc64: 'ppc64', riscv64: 'riscv64', s390x: 's390x', x64: 'x64' };
const libraries = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

function platformOf(name) {
  const words = name.split('/').at(-1).split('-');
  const pick = (table) =>
    words
      .map((word) => table[word])
      .filter(Boolean)
      .slice(0, 1);
  return { os: pick(systems), cpu: pick(processors), libc: pick(libraries) };
}

function entryFor(name, version, parent) {
  const { os, cpu, libc } = platformOf(name);
  if (os.length === 0 || cpu.length === 0) return undefined;
  return { version, cpu, ...(parent.dev ? { dev: true } : {}), ...(libc.length > 0 ? { libc } : {}), optional: true, os };
}

const file = at('package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const entry = lock.packages[path] === undefined && /^\d/.test(version) ? entryFor(name, version, parent) : undefined;
    if (entry === undefined) continue;
    lock.packages[path] = entry;
    added.push(`${name}@${version}`);
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} entries added to package-lock.json\n`);
