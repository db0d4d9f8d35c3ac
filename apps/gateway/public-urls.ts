export interface PublicUrlsInit {
  /** Where viewers reach the platform, without a slash at the end: the edge. */
  readonly edgeUrl: string;
  readonly ingestPrimaryUrl: string;
  readonly ingestBackupUrl: string;
}

/** The URLs that answers name. */
export class PublicUrls {
  readonly ingest: { readonly primary: string; readonly backup: string };
  readonly #edgeUrl: string;

  constructor(init: PublicUrlsInit) {
    this.#edgeUrl = init.edgeUrl;
    this.ingest = { primary: init.ingestPrimaryUrl, backup: init.ingestBackupUrl };
  }

  readonly playback = (streamId: string): string => `${this.#edgeUrl}/live/${streamId}/master.m3u8`;
}
