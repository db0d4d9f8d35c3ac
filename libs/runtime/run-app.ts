import 'reflect-metadata';
import type { DynamicModule, INestApplicationContext, LoggerService, Type } from '@nestjs/common';
import { Lifecycle } from './lifecycle.ts';
import { endOnError, endOnSignal, exitCodeOf } from './process-ends.ts';
import { createLogger, NestLog, type Logger } from './logging.ts';
import type { SharedSettings } from './settings.config.ts';
import { StartProgress } from './start-progress.ts';
import { openTelemetry, type Telemetry } from './telemetry/telemetry.ts';

/** What a process has before any of its parts exist. */
export interface AppContext<Settings extends SharedSettings = SharedSettings> {
  readonly name: string;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly telemetry: Telemetry;
  /** Of a start that takes its time. */
  readonly progress: StartProgress;
}

export interface NestOptions {
  readonly logger: LoggerService;
  readonly abortOnError: false;
}

export interface AppInit<Settings extends SharedSettings, App extends INestApplicationContext> {
  readonly name: string;
  readonly settings: Settings;
  /** The root module. May be async: engines are opened here. */
  readonly module: (context: AppContext<Settings>) => DynamicModule | Type | Promise<DynamicModule | Type>;
  /** Makes the Nest application; an application context without a listener by default. */
  readonly create?: (root: DynamicModule, options: NestOptions, context: AppContext<Settings>) => Promise<App>;
  /** Called when the application is initialised: listen, start loops. What it returns goes into the ready line. */
  readonly serve?: (app: App, context: AppContext<Settings>) => unknown;
  /** For the drain after a signal, ms; 8,000 by default. */
  readonly drainDeadlineMs?: number;
}

/** Tokens of what is not a class. */
export const appLogger = Symbol('app logger');
export const appSettings = Symbol('app settings');

class AppRoot {}

/** The root: the app's module, and what the process has, injectable everywhere. */
function rootModule(context: AppContext, module: DynamicModule | Type): DynamicModule {
  const providers = [
    { provide: appLogger, useValue: context.logger },
    { provide: appSettings, useValue: context.settings },
    { provide: Lifecycle, useValue: context.lifecycle },
  ];
  return { module: AppRoot, global: true, imports: [module], providers, exports: providers };
}

/**
 * Runs a Nest app as a process: JSON log lines, one line with `"ready": true`, an ordered drain on SIGTERM, SIGINT or the
 * supervisor's end (exit 0), and the end of the process at the first error that nobody handled (exit 1). Exit 2 says that
 * somebody has to change the settings first.
 */
export async function runApp<Settings extends SharedSettings, App extends INestApplicationContext = INestApplicationContext>(
  init: AppInit<Settings, App>,
): Promise<void> {
  const { name, settings } = init;
  // Events, blobs and state are nobody else's to read.
  process.umask(0o077);
  const logger = await createLogger({ name, ...settings });
  const lifecycle = new Lifecycle({ logger, deadlineMs: init.drainDeadlineMs ?? 8000 });
  endOnError(logger);
  endOnSignal(logger, lifecycle, settings.supervised);
  try {
    // First of all, so that whoever watches sees a start that takes its time, too.
    const telemetry = await openTelemetry({ app: name, node: settings.node, settings: settings.telemetry, logger, lifecycle });
    const progress = new StartProgress({ logger, supervised: settings.supervised });
    const context: AppContext<Settings> = { name, settings, logger, lifecycle, telemetry, progress };
    const app = await start(init, context);
    if (lifecycle.stopping.aborted) return;
    const facts = (await init.serve?.(app, context)) ?? {};
    if (lifecycle.stopping.aborted) return;
    telemetry.health.serving();
    logger.info({ ready: true, ...(facts as object) }, `${name} is ready`);
  } catch (err) {
    if (lifecycle.stopping.aborted) return;
    logger.fatal({ err }, `${name} cannot start: ${err instanceof Error ? err.message : String(err)}`);
    await lifecycle.stop();
    process.exit(exitCodeOf(err));
  }
}

async function start<Settings extends SharedSettings, App extends INestApplicationContext>(
  init: AppInit<Settings, App>,
  context: AppContext<Settings>,
): Promise<App> {
  const root = rootModule(context, await init.module(context));
  const options: NestOptions = { logger: new NestLog(context.logger), abortOnError: false };
  const app = await (init.create?.(root, options, context) ?? createContext<App>(root, options));
  context.lifecycle.onStop('accept', 'nest', () => app.close());
  await app.init();
  return app;
}

/** Nest is loaded only by processes that run it: the edge uses the rest of this library without it. */
async function createContext<App>(root: DynamicModule, options: NestOptions): Promise<App> {
  const { NestFactory } = await import('@nestjs/core');
  return (await NestFactory.createApplicationContext(root, options)) as App;
}
