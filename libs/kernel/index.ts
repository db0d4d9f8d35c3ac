export { assert, InvariantError, unreachable } from './assert.ts';
export type { Brand } from './brand.ts';
export { accept, refuse, type Acceptance, type Decider, type Decision, type Refusal } from './decider.ts';
export { hasCode, OperatingError, type OperatingErrorInit } from './errors.ts';
export { ChangeFold, compareValues, foldChanges, joinValues, wholeStampGroups } from './join.ts';
export type { Machine, Millis } from './machine.ts';
export { murmur2, partitionOf } from './murmur2.ts';
export { Prng } from './prng.ts';
export type { ColumnJoin, ColumnSpec, ColumnType, ColumnValue, Projection, RowChange, TableSpec } from './projection.ts';
