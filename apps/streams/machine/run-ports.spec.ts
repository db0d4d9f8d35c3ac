import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStreamsSettings, type StreamsSettings } from '../streams.config.ts';
import { forgetPorts, withPortsOfRun, writePorts } from './run-ports.ts';

let dataDir: string;
const settings = (env: Readonly<Record<string, string>> = {}): StreamsSettings => readStreamsSettings({ STREAMS_DATA_DIR: dataDir, ...env });

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'streams-ports-'));
  mkdirSync(settings().runPath);
});

afterEach(() => rmSync(dataDir, { recursive: true }));

test('a command finds the ports of the run on its data folder, unless it was told others', () => {
  const ports = { gateway: 22000, grpc: 22001, edge: 22002, rtmp: 22003, rtmpBackup: 22004, relay: 22005 };
  writePorts(settings().runPath, ports);
  expect(withPortsOfRun(settings()).ports).toEqual(ports);
  expect(withPortsOfRun(settings({ GATEWAY_PORT: '9000' })).ports).toEqual({ ...ports, gateway: 9000 });
});

test('without a run, or with a damaged note of it, the settings are what they are', () => {
  expect(withPortsOfRun(settings())).toEqual(settings());
  writeFileSync(join(settings().runPath, 'ports.json'), '{"gateway":"x","edge"');
  expect(withPortsOfRun(settings())).toEqual(settings());
  writePorts(settings().runPath, { ...settings().ports, gateway: 1 });
  forgetPorts(settings().runPath);
  expect(withPortsOfRun(settings())).toEqual(settings());
});
