import type { EngineFact } from '../machine/engine-facts.ts';

/** What the supervisor tells once everything serves. */
export interface BannerFacts {
  readonly version: string;
  readonly seconds: number;
  readonly engines: readonly EngineFact[];
  readonly signInUrl: string;
  readonly apiUrl: string;
  readonly docsUrl: string;
  readonly grpcAddress: string;
  readonly ingestUrl: string;
  readonly backupUrl: string;
  /** By RTMPS, where the settings name a certificate. */
  readonly secureUrl: string | undefined;
  readonly demo: { readonly name: string; readonly id: string; readonly playlistUrl: string } | undefined;
  /** On the first start only. */
  readonly firstStream: { readonly name: string; readonly id: string; readonly key: string } | undefined;
  readonly adminKey: string | undefined;
  readonly adminKeyFile: string;
}

type Paint = (code: string, text: string) => string;
const labelWidth = 13;

/** The facts as text for people. */
export function banner(facts: BannerFacts, hasColours: boolean): string {
  const paint: Paint = (code, text) => (hasColours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const row = (label: string, text: string): string => `  ${paint('2', label.padEnd(labelWidth))} ${text}`;
  const sections = [
    [paint('1', `Streams ${facts.version} is ready`) + paint('2', ` (${facts.seconds.toFixed(1)} s)`)],
    facts.engines.map((one) => row(one.serves, `${one.engine}${paint('2', `  ${one.where}`)}`)),
    [
      row(facts.demo === undefined ? 'Console' : 'Watch', `${paint('1;36', facts.signInUrl)}  (signs you in; good for 12 hours)`),
      ...(facts.demo === undefined ? [] : [row('Playlist', `${facts.demo.playlistUrl}  (${facts.demo.name}, live now, for any player)`)]),
      row('API', `${facts.apiUrl}  (described at ${facts.docsUrl})`),
      row('gRPC', `${facts.grpcAddress}  (services by reflection)`),
      row('Publish to', `${facts.ingestUrl}  (backup: ${facts.backupUrl})`),
      ...(facts.secureUrl === undefined ? [] : [row('Encrypted', facts.secureUrl)]),
    ],
    firstTime(facts, row, paint),
    [paint('2', '  Ctrl-C stops everything.')],
  ];
  return `\n${sections
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n')}\n\n`;
}

function firstTime(facts: BannerFacts, row: (label: string, text: string) => string, paint: Paint): string[] {
  if (facts.adminKey === undefined) return [];
  const stream = facts.firstStream;
  return [
    ...(stream === undefined ? [] : [row('Your stream', `${stream.name} (${stream.id})`), row('Stream key', `${paint('1', stream.key)}  (shown this once)`)]),
    row('Admin key', `${paint('1', facts.adminKey)}  (shown this once; kept in ${facts.adminKeyFile})`),
  ];
}
