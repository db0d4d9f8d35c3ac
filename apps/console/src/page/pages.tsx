import type { ReactNode } from 'react';
import type { Api } from '../model/api.ts';
import { AuditPage } from './audit-page.tsx';
import { EventsPage } from './events-page.tsx';
import { LivePage, type LivePageProps } from './live-page.tsx';
import { ReadModelsPage } from './read-models-page.tsx';

export interface PageProps extends LivePageProps {
  readonly api: Api;
}

interface Page {
  /** Behind `#/`; the page of every unknown route is the first. */
  readonly route: string;
  readonly title: string;
  render(props: PageProps): ReactNode;
}

/** Every page of the console, as the navigation shows them. */
export const pages: readonly [Page, ...Page[]] = [
  { route: '', title: 'Live', render: (props) => <LivePage {...props} /> },
  { route: 'events', title: 'Events', render: ({ api }) => <EventsPage api={api} /> },
  { route: 'read-models', title: 'Read models', render: ({ api }) => <ReadModelsPage api={api} /> },
  { route: 'audit', title: 'Audit', render: ({ api }) => <AuditPage api={api} /> },
];

/** The page of a route: its first part names it. */
export function pageOf(route: string): Page {
  const [name] = route.split('/');
  return pages.find((page) => page.route === name) ?? pages[0];
}

export function Navigation({ current }: { readonly current: Page }) {
  return (
    <nav className="pages" aria-label="Pages">
      {pages.map((page) => (
        <a key={page.route} href={`#/${page.route}`} aria-current={page === current ? 'page' : undefined}>
          {page.title}
        </a>
      ))}
    </nav>
  );
}
