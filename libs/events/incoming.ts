/**
 * A CloudEvents 1.0 event as a publisher hands it in, whatever transport it came by. Nothing of it is checked yet.
 *
 * A publisher says `specversion`, `id`, `source`, `type` and the data; it may say `time`, `subject`, `dataschema` (or, in
 * short, `dataversion`), `datacontenttype`, `partitionkey`, `correlationid`, `causationid`, `traceparent` and extensions of
 * its own. Who published (`actor`), for whom (`tenant`), and what orders and fences events is the platform's to say.
 */
export interface IncomingEvent {
  /**
   * Context attributes by their CloudEvents names. Members named `data` or `data_base64` are not looked at, so that an
   * event of the JSON format can be handed in as the object that it was parsed to.
   */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The data as JSON text, which then stays as it is to the byte, or as the value that it was parsed to. */
  readonly data: { readonly json: string } | { readonly value: unknown } | { readonly fault: DataFault };
}

/** Why a transport could not make text of the data. */
export interface DataFault {
  readonly field: 'data' | 'data_base64';
  /** One sentence. */
  readonly message: string;
}

/** Why an event was refused; stable, for machines. */
export type IntakeRefusalCode =
  /** Not an event at all, or a required attribute is missing or malformed. */
  | 'EVENT_ATTRIBUTE_INVALID'
  | 'EVENT_TYPE_UNKNOWN'
  | 'EVENT_VERSION_UNKNOWN'
  /** The data does not fit the schema of its type and version. */
  | 'EVENT_DATA_INVALID'
  /** The record would be larger than the log takes. */
  | 'EVENT_TOO_LARGE'
  /** `time`, or the time within a UUIDv7 id, lies too far ahead or too far back. */
  | 'EVENT_TIME_INVALID'
  /** `tenant` is not the caller's. */
  | 'EVENT_TENANT_FORBIDDEN'
  /** The caller may not publish into the type's context. */
  | 'EVENT_CONTEXT_FORBIDDEN'
  /** Only the platform itself says this: a decision of its own, or a fact that one of its parts alone can see. */
  | 'EVENT_NOT_OPEN'
  /** The platform sets this attribute, nobody else. */
  | 'EVENT_ATTRIBUTE_RESERVED'
  /** The id was published before, with other content. */
  | 'EVENT_ID_CONFLICT'
  /** Nothing is wrong with this event, but its batch was refused as a whole. */
  | 'EVENT_BATCH_REFUSED';
