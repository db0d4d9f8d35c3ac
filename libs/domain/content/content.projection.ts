import { contentChanged, contentPublished, contentWithdrawn, stampOf, type DomainEvent, type EventOf } from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

/** The bytes: said by a publication and by a change. */
const object = (type: 'text' | 'bigint'): ColumnSpec => ({ type, join: 'lww', stamp: 'object' });
/** What only a publication says. */
const description = (type: 'text' | 'json'): ColumnSpec => ({ type, join: 'lww', stamp: 'description' });
const status: ColumnSpec = { type: 'text', join: 'lww', stamp: 'status' };

/** One row per content; null in `status` while only a change of it is known. */
export const contentTable: TableSpec = {
  name: 'content',
  key: { tenant: 'text', content_id: 'text' },
  columns: {
    url: object('text'),
    content_type: object('text'),
    size_bytes: object('bigint'),
    etag: object('text'),
    title: description('text'),
    tags: description('json'),
    published_by: description('text'),
    status,
    status_reason: status,
    first_published_at_ms: { type: 'bigint', join: 'min' },
    changed_at_ms: { type: 'bigint', join: 'max' },
  },
};

function objectOf({ url, contentType, sizeBytes, etag }: EventOf<typeof contentPublished | typeof contentChanged>['data']): RowChange['set'] {
  return { url, content_type: contentType, size_bytes: sizeBytes === undefined ? null : BigInt(sizeBytes), etag: etag ?? null };
}

function project(event: DomainEvent): readonly RowChange[] {
  const at = { changed_at_ms: BigInt(event.time) };
  const stamp = stampOf(event);
  const change = (contentId: string, set: RowChange['set'], stamps: Record<string, bigint>): readonly RowChange[] => [
    { table: contentTable.name, key: { tenant: event.tenant, content_id: contentId }, set: { ...set, ...at }, stamps },
  ];
  if (event.type === contentPublished.type) {
    const { contentId, title, tags } = event.data;
    const described = { title: title ?? null, tags: tags ?? [], published_by: event.actor };
    const set = { ...objectOf(event.data), ...described, status: 'published', status_reason: null, first_published_at_ms: BigInt(event.time) };
    return change(contentId, set, { object: stamp, description: stamp, status: stamp });
  }
  if (event.type === contentChanged.type) return change(event.data.contentId, objectOf(event.data), { object: stamp });
  if (event.type === contentWithdrawn.type)
    return change(event.data.contentId, { status: 'withdrawn', status_reason: event.data.reason ?? null }, { status: stamp });
  return [];
}

/** What backend teams have published. Their clocks order what they say of one content: the last to speak is right. */
export const contentsProjection: Projection<DomainEvent> = {
  name: 'contents',
  version: 1,
  contexts: ['content'],
  handles: [contentPublished.type, contentChanged.type, contentWithdrawn.type],
  ignores: [],
  tables: [contentTable],
  partitionedBy: { content: 'content_id' },
  project,
};
