import { homeTenantOf, seesTenant, type Principal } from '#domain/access';
import { contentTable } from '#domain/content';
import { ReadStore, type ReadCondition, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound } from '../http/problem.errors.ts';
import { listContents, showContent } from './contents.contract.ts';

function viewOf(row: ReadRow): object {
  return {
    id: row['content_id'],
    tenant: row['tenant'],
    status: row['status'] ?? 'unpublished',
    statusReason: row['status_reason'],
    url: row['url'],
    contentType: row['content_type'],
    sizeBytes: row['size_bytes'] === null ? null : Number(row['size_bytes']),
    etag: row['etag'],
    title: row['title'],
    tags: row['tags'] ?? [],
    publishedBy: row['published_by'],
    firstPublishedAt: isoTime(row['first_published_at_ms'] as bigint | null),
    changedAt: isoTime(row['changed_at_ms'] as bigint | null),
  };
}

/** The tenant asked for, or the caller's own; undefined for one that is not there for it. */
function tenantFor(principal: Principal, asked: string | undefined): string | undefined {
  const tenant = asked ?? homeTenantOf(principal);
  return seesTenant(principal, tenant) || tenant === homeTenantOf(principal) ? tenant : undefined;
}

/** Content as backend teams publish it; each tenant has names of its own. */
@Controller()
export class ContentsController {
  readonly #reads: ReadStore;

  constructor(reads: ReadStore) {
    this.#reads = reads;
  }

  @Route(listContents)
  async list(@Input(listContents) { query }: InputOf<typeof listContents>, @ByCaller() { principal }: Caller): Promise<object> {
    const tenant = tenantFor(principal, query.tenant);
    if (tenant === undefined) return { items: [], nextAfter: null };
    const where: ReadCondition[] = [{ column: 'tenant', is: 'eq', value: tenant }];
    if (query.status !== undefined) where.push({ column: 'status', is: 'eq', value: query.status });
    if (query.after !== undefined) where.push({ column: 'content_id', is: 'gt', value: query.after });
    const rows = await this.#reads.select(contentTable, { where, orderBy: [{ column: 'content_id' }], limit: query.limit + 1 });
    const page = rows.slice(0, query.limit);
    return { items: page.map(viewOf), nextAfter: rows.length > query.limit ? page.at(-1)?.['content_id'] : null };
  }

  @Route(showContent)
  async show(@Input(showContent) { params, query }: InputOf<typeof showContent>, @ByCaller() { principal }: Caller): Promise<object> {
    const tenant = tenantFor(principal, query.tenant);
    const row = tenant === undefined ? undefined : await this.#row(tenant, params.id);
    if (row === undefined) throw notFound('unknown-content', `There is no content ${params.id}.`);
    return viewOf(row);
  }

  async #row(tenant: string, contentId: string): Promise<ReadRow | undefined> {
    const where: ReadCondition[] = [
      { column: 'tenant', is: 'eq', value: tenant },
      { column: 'content_id', is: 'eq', value: contentId },
    ];
    return (await this.#reads.select(contentTable, { where, limit: 1 }))[0];
  }
}
