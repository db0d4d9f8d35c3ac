import { join } from 'node:path';
import { LogView } from '../supervisor/log-view.ts';
import { programOf } from '../supervisor/programs.ts';
import { runUntilAsked } from '../supervisor/run-until-asked.ts';
import { Supervisor, type ProgramOf } from '../supervisor/supervisor.ts';
import { readStreamsSettings } from '../streams.config.ts';

/** The real supervisor over small programs. Arguments: a diary file, then `APP=MODE` for those that misbehave. */
const [diary = '', ...modes] = process.argv.slice(2);
const small: ProgramOf = (settings, name, env) => {
  const mode = modes.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return { ...programOf(settings, name, env), command: process.execPath, args: [join(import.meta.dirname, 'small-app.main.js'), name, diary, mode] };
};

process.umask(0o077);
const view = new LogView({ format: 'json', hasColours: false, write: (text) => void process.stdout.write(text) });
const supervisor = new Supervisor({ settings: readStreamsSettings(), view, programOf: small });
const apps = ['postgres', 'projector', 'gateway', 'ingest', 'media', 'edge'] as const;
const greet = (): Promise<void> => Promise.all(apps.map((name) => supervisor.serving(name))).then(() => view.say('info', 'everything is ready'));
process.exit(await runUntilAsked(supervisor, view, greet));
