import type { LogDatabase } from './log-database.ts';
import { ProducerTable } from './producer-table.ts';
import { RecordTables } from './record-tables.ts';
import { SubjectTable } from './subject-table.ts';
import { TopicTable } from './topic-table.ts';

/** The tables of the file, with their statements prepared. */
export class LogTables {
  readonly topics: TopicTable;
  readonly records: RecordTables;
  readonly producers: ProducerTable;
  readonly subjects: SubjectTable;

  constructor(db: LogDatabase) {
    this.records = new RecordTables(db);
    this.topics = new TopicTable(db, this.records);
    this.producers = new ProducerTable(db);
    this.subjects = new SubjectTable(db);
  }
}
