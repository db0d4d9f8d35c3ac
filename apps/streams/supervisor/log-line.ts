/** One line of an app's log as the supervisor understands it. */
export interface LogLine {
  readonly app: string;
  /** `trace` to `fatal`. */
  readonly level: string;
  readonly msg: string;
  readonly timeMs: number;
  /** Everything else that the line says. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The numbers that pino writes when levels are not spelled out. */
const levelNames: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a line of an app; one that is not JSON (a stack trace, a runtime's own complaint) becomes a message of `fallbackLevel`. */
export function parseLogLine(app: string, text: string, fallbackLevel: string, nowMs: number): LogLine {
  const json = parseJson(text);
  if (json === undefined) return { app, level: fallbackLevel, msg: text, timeMs: nowMs, fields: {} };
  const { level, msg, time, name: _name, app: _app, node: _node, pid: _pid, ...fields } = json;
  return {
    app,
    level: typeof level === 'number' ? (levelNames[level] ?? 'info') : typeof level === 'string' ? level : 'info',
    msg: typeof msg === 'string' ? msg : '',
    timeMs: typeof time === 'number' ? time : nowMs,
    fields,
  };
}

export function toJson(line: LogLine): string {
  return JSON.stringify({ level: line.level, time: line.timeMs, name: line.app, msg: line.msg, ...line.fields });
}

const colours: Readonly<Record<string, string>> = { trace: '2', debug: '2', info: '32', warn: '33', error: '31', fatal: '1;31' };
const nameWidth = 9;
const fieldsCharsMax = 400;

function clock(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function valueOf(value: unknown): string {
  if (isRecord(value) && typeof value['message'] === 'string') return value['message'];
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A line for people: time, app, level, message, then the fields in grey. */
export function toReadable(line: LogLine, hasColours: boolean): string {
  const paint = (code: string, text: string): string => (hasColours && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  const fields = Object.entries(line.fields)
    .filter(([key, value]) => key !== 'ready' && value !== undefined && value !== null && value !== '')
    .map(([key, value]) => `${key}=${valueOf(value)}`)
    .join(' ');
  const tail = fields.length > fieldsCharsMax ? `${fields.slice(0, fieldsCharsMax)} …` : fields;
  return `${paint('2', clock(line.timeMs))} ${paint('36', line.app.padEnd(nameWidth))} ${paint(colours[line.level] ?? '0', line.level.padEnd(5))} ${line.msg}${tail === '' ? '' : ` ${paint('2', tail)}`}`;
}
