import { roundUp, type Line } from '../model/traffic.ts';

export interface Mark {
  readonly atMs: number;
  readonly title: string;
}

interface TimeChartProps {
  readonly title: string;
  readonly steps: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** The end of the axis; that of the greatest value when left out. */
  readonly most?: number;
  /** What happened meanwhile. */
  readonly marks?: readonly Mark[];
}

const [width, height] = [640, 120];

const timeOf = (ms: number, spanMs: number): string =>
  new Date(ms).toLocaleString('en-GB', spanMs > 86_400_000 ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' });

/** Lines over time, all charts of a page over the same time; where there is no value a line is broken. */
export function TimeChart({ format, lines, marks = [], most, steps, title }: TimeChartProps) {
  const greatest = Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const end = most ?? roundUp(greatest);
  const [first = 0, last = 1] = [steps[0], steps.at(-1)];
  const span = Math.max(1, last - first);
  const x = (at: number): number => ((at - first) / span) * width;
  const y = (value: number): number => height - (Math.min(value, end) / end) * height;
  const said = lines.map(({ name, values }) => `${name} ${format(values.findLast((value) => value !== null) ?? 0)}`).join(', ');
  return (
    <figure className="time-chart">
      <figcaption>
        <h3>{title}</h3>
        {lines.map(({ name, values }, at) => (
          <span key={name} className={`key line-${at % 6}`}>
            {name} <b>{format(values.findLast((value) => value !== null) ?? 0)}</b>
          </span>
        ))}
      </figcaption>
      <div className="plot">
        <span className="axis">{format(end)}</span>
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${said}`}>
          {[0, 0.5, 1].map((share) => (
            <line key={share} className="grid" x1="0" x2={width} y1={share * height} y2={share * height} />
          ))}
          {marks.map(({ atMs, title: what }) => (
            <line key={`${atMs} ${what}`} className="mark" x1={x(atMs)} x2={x(atMs)} y1="0" y2={height}>
              <title>{what}</title>
            </line>
          ))}
          {lines.map(({ name, values }, at) => (
            <path key={name} className={`line-${at % 6}`} d={pathOf(values, steps, x, y)} />
          ))}
          {lines.map(({ name, values }, at) => (
            <path key={`${name} alone`} className={`dot line-${at % 6}`} d={dotsOf(values, steps, x, y)} />
          ))}
        </svg>
      </div>
      <div className="times">
        <time>{timeOf(first, span)}</time>
        <time>{timeOf(last, span)}</time>
      </div>
    </figure>
  );
}

type Place = (value: number) => number;

function pathOf(values: readonly (number | null)[], steps: readonly number[], x: Place, y: Place): string {
  return values
    .map((value, at) => {
      if (value === null) return '';
      const [before, place] = [values[at - 1] ?? null, `${x(steps[at] ?? 0).toFixed(1)} ${y(value).toFixed(1)}`];
      return before === null ? `M${place}` : `L${place}`;
    })
    .join('');
}

/** A value that stands alone, nothing before and nothing after it, is no line: a stroke of no length, which round caps make a dot. */
function dotsOf(values: readonly (number | null)[], steps: readonly number[], x: Place, y: Place): string {
  const isAlone = (at: number): boolean => (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;
  return values.map((value, at) => (value === null || !isAlone(at) ? '' : `M${x(steps[at] ?? 0).toFixed(1)} ${y(value).toFixed(1)}h0`)).join('');
}
