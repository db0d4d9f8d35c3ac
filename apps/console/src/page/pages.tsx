import type { ReactNode } from 'react';
import { queryOf } from '../model/as-of.ts';
import type { Api } from '../model/api.ts';
import { AuditPage } from './audit-page.tsx';
import { EventsPage } from './events-page.tsx';
import { LivePage, type LivePageProps } from './live-page.tsx';
import { PastPage } from './past-page.tsx';
import { ReadModelsPage } from './read-models-page.tsx';
import { SandboxesPage } from './sandboxes-page.tsx';
import { SitesPage } from './sites-page.tsx';
import { StreamsPage } from './streams-page.tsx';
import { TrafficPage } from './traffic-page.tsx';
import { WebhooksPage } from './webhooks-page.tsx';

export interface PageProps extends LivePageProps {
  readonly api: Api;
  /** The moment that is looked at; undefined for now. */
  readonly asOf: string | undefined;
}

interface Page {
  /** Behind `#/`; the page of every unknown route is the first. */
  readonly route: string;
  readonly title: string;
  /** It can also be looked at as it stood. */
  readonly hasPast?: boolean;
  render(props: PageProps): ReactNode;
}

/** Every page of the console, as the navigation shows them. */
export const pages: readonly [Page, ...Page[]] = [
  {
    route: '',
    title: 'Live',
    hasPast: true,
    render: (props) => (props.asOf === undefined ? <LivePage {...props} /> : <PastPage key={props.asOf} api={props.api} asOf={props.asOf} />),
  },
  {
    route: 'streams',
    title: 'Streams',
    render: ({ api, streams, refreshStreams }) => <StreamsPage api={api} streams={streams} refreshStreams={refreshStreams} />,
  },
  { route: 'events', title: 'Events', render: ({ api }) => <EventsPage api={api} /> },
  { route: 'read-models', title: 'Read models', hasPast: true, render: ({ api, asOf }) => <ReadModelsPage api={api} asOf={asOf} /> },
  { route: 'sandboxes', title: 'Sandboxes', render: ({ api }) => <SandboxesPage api={api} /> },
  { route: 'sites', title: 'Sites', render: ({ api }) => <SitesPage api={api} /> },
  { route: 'traffic', title: 'Traffic', render: ({ api }) => <TrafficPage api={api} /> },
  { route: 'webhooks', title: 'Webhooks', render: ({ api }) => <WebhooksPage api={api} /> },
  { route: 'audit', title: 'Audit', render: ({ api }) => <AuditPage api={api} /> },
];

/** The page of a route: its first part names it. */
export function pageOf(route: string): Page {
  const [name] = route.split(/[/?]/);
  return pages.find((page) => page.route === name) ?? pages[0];
}

/** Pages that know the past are left and entered at the same moment. */
export function Navigation({ current, asOf }: { readonly current: Page; readonly asOf: string | undefined }) {
  return (
    <nav className="pages" aria-label="Pages">
      {pages.map((page) => (
        <a key={page.route} href={`#/${page.route}${page.hasPast === true ? queryOf(asOf) : ''}`} aria-current={page === current ? 'page' : undefined}>
          {page.title}
        </a>
      ))}
    </nav>
  );
}
