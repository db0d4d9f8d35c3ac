import { v7 } from 'uuid';
import { IdSource } from '#ports';

/** UUIDv7 (RFC 9562 section 5.7): sorts by time; within a millisecond a counter keeps this process's ids in order. */
export class UuidV7IdSource extends IdSource {
  override next(): string {
    return v7();
  }
}
