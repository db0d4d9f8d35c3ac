import { createLogger } from './logging.ts';
import { misconfigured } from './process-ends.ts';
import { settingProblems, type Environment } from './setting-values.config.ts';

/**
 * The settings of an app that is being started. Where they cannot be used, the log has one line for each that is wrong, and
 * the process ends with exit code 2: somebody has to change them first.
 * @param app its name in the log
 * @param read throws `InvalidSetting` at the first that is wrong
 */
export async function settingsOrEnd<Settings>(app: string, read: (env: Environment) => Settings, env: Environment = process.env): Promise<Settings> {
  const problems = settingProblems(read, env);
  if (problems.length === 0) return read(env);
  // What the log is set to may be among what is wrong.
  const logFormat = env['LOG_FORMAT'] === 'pretty' ? 'pretty' : 'json';
  const logger = await createLogger({ name: app, node: env['STREAMS_NODE'] || 'node-1', logFormat, logLevel: 'fatal' });
  for (const { setting, message } of problems) logger.fatal({ setting }, `${app} cannot start: ${message}`);
  return process.exit(misconfigured);
}
