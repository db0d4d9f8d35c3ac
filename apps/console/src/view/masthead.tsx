import { formatRatio } from '../model/format.ts';
import type { CdnHealth } from '../model/types.ts';

interface MastheadProps {
  readonly health: CdnHealth | undefined;
  /** Undefined while nobody has told. */
  readonly live: number | undefined;
  readonly offline: boolean;
  onSignOut(): void;
}

export function Masthead({ health, live, offline, onSignOut }: MastheadProps) {
  return (
    <header className="masthead">
      <span className="mark" aria-hidden="true">
        <svg viewBox="0 0 32 32">
          <path d="M4 9c6-5 12 5 24 0M4 16c6-5 12 5 24 0M4 23c6-5 12 5 24 0" fill="none" stroke="white" strokeWidth="3.4" strokeLinecap="round" />
        </svg>
      </span>
      <h1>Streams</h1>
      {offline ? (
        <span className="pill bad" role="status">
          gateway unreachable, retrying
        </span>
      ) : live === undefined ? null : (
        <span className={live > 0 ? 'pill live' : 'pill'}>{live > 0 ? `${live} on air` : 'nothing on air'}</span>
      )}
      <span className="gap" />
      <dl className="figures">
        <div>
          <dt>edge hit ratio</dt>
          <dd data-testid="hit-ratio">{formatRatio(health?.hitRatio ?? null)}</dd>
        </div>
        <div>
          <dt>{health?.edges.length === 1 ? 'edge' : 'edges'}</dt>
          <dd>{health?.edges.length ?? '–'}</dd>
        </div>
      </dl>
      <button type="button" className="btn small" onClick={onSignOut}>
        Sign out
      </button>
    </header>
  );
}
