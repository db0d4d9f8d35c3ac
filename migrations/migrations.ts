import type { MigrationInterface } from 'typeorm';
import { BegunRows1795813200000 } from './begun-rows.migration.ts';
import { BoundLog1795700400000 } from './bound-log.migration.ts';
import { EndedLinks1795757400000 } from './ended-links.migration.ts';
import { EventIndex1795704000000 } from './event-index.migration.ts';
import { EventIndexTerms1795716000000 } from './event-index-terms.migration.ts';
import { Effects1795712400000 } from './effects.migration.ts';
import { HeadTenants1795678800000 } from './head-tenants.migration.ts';
import { KeptErasures1795729400000 } from './kept-erasures.migration.ts';
import { LackingPieces1795802400000 } from './lacking-pieces.migration.ts';
import { LedgerBegins1795809600000 } from './ledger-begins.migration.ts';
import { LedgerTables1795687600000 } from './ledger-tables.migration.ts';
import { PastPieces1795702000000 } from './past-pieces.migration.ts';
import { ParkedEvents1795705200000 } from './parked-events.migration.ts';
import { PlatformTables1795390073000 } from './platform-tables.migration.ts';
import { GonePieces1795806000000 } from './gone-pieces.migration.ts';
import { LedgerTreeList1795719600000 } from './ledger-tree-list.migration.ts';
import { ProjectionBuilds1795690000000 } from './projection-builds.migration.ts';
import { Publications1795680000000 } from './publications.migration.ts';
import { RestoredHeads1795395600000 } from './restored-heads.migration.ts';
import { RolledBackBuilds1795723200000 } from './rolled-back-builds.migration.ts';
import { SubjectKeys1795708800000 } from './subject-keys.migration.ts';
import { SubjectLinks1795724000000 } from './subject-links.migration.ts';
import { RowKeeps1795710000000 } from './row-keeps.migration.ts';
import { SeenHeads1795791600000 } from './seen-heads.migration.ts';
import { Secrets1795669200000 } from './secrets.migration.ts';
import { PassedOverEvents1795798800000 } from './passed-over-events.migration.ts';
import { SwitchedCheckpoints1795795200000 } from './switched-checkpoints.migration.ts';

/** Every migration there is, oldest first. A released one is never changed: what it made is changed by the next one. */
export const migrations: ReadonlyArray<new () => MigrationInterface & { readonly name: string }> = [
  PlatformTables1795390073000,
  RestoredHeads1795395600000,
  Secrets1795669200000,
  HeadTenants1795678800000,
  Publications1795680000000,
  LedgerTables1795687600000,
  ProjectionBuilds1795690000000,
  BoundLog1795700400000,
  PastPieces1795702000000,
  ParkedEvents1795705200000,
  SubjectKeys1795708800000,
  EventIndex1795704000000,
  RowKeeps1795710000000,
  Effects1795712400000,
  EventIndexTerms1795716000000,
  LedgerTreeList1795719600000,
  RolledBackBuilds1795723200000,
  SubjectLinks1795724000000,
  KeptErasures1795729400000,
  EndedLinks1795757400000,
  SeenHeads1795791600000,
  SwitchedCheckpoints1795795200000,
  PassedOverEvents1795798800000,
  LackingPieces1795802400000,
  GonePieces1795806000000,
  LedgerBegins1795809600000,
  BegunRows1795813200000,
];
