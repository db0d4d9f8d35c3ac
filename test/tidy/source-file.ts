import { parseSync, visitorKeys } from 'oxc-parser';

/** A function as the reader meets it: how many lines, where. */
export interface FunctionShape {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** Something that a rule may object to, with the line it stands on. */
export interface Mention {
  readonly text: string;
  readonly line: number;
}

export interface Import extends Mention {
  /** Names taken from the module; `*` for all of it. */
  readonly names: readonly string[];
}

export interface Heritage {
  readonly className: string;
  readonly parent: string;
}

/** What stands in a file's syntax tree. */
export interface Syntax {
  readonly functions: readonly FunctionShape[];
  readonly strings: readonly Mention[];
  /** Identifiers that are used as values, and `await` and `async` as words. */
  readonly names: readonly Mention[];
  /** `a.b` as written. */
  readonly members: readonly Mention[];
  readonly mutableModuleState: readonly Mention[];
  readonly heritage: readonly Heritage[];
  readonly anys: readonly Mention[];
}

/** What the rules need to know of a source file. */
export interface SourceFile {
  /** Relative to the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  /** Specs, fixtures and what else only tests use. */
  readonly isTest: boolean;
  readonly imports: readonly Import[];
  /** Read when a rule first asks for it: most rules ask of sources only, and trees are what costs. */
  readonly syntax: Syntax;
}

/** A global is slow to reach from where tests run, and this one is asked for at every node. */
const isArray = Array.isArray;

interface AstNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const testFolders = /(^|\/)(testing|fixture|fixtures|conformance)\//;

export function isTestPath(path: string): boolean {
  return path.startsWith('test/') || testFolders.test(path) || /(\.|-)spec\.tsx?$|\.(fixture|cases|conformance)\.ts$/.test(path);
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Positions to line numbers, by bisection. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** Walks a syntax tree once and keeps what the rules ask for. */
class Reader {
  readonly functions: FunctionShape[] = [];
  readonly strings: Mention[] = [];
  readonly names: Mention[] = [];
  readonly members: Mention[] = [];
  readonly heritage: Heritage[] = [];
  readonly anys: Mention[] = [];
  readonly #lineOf: (offset: number) => number;

  constructor(lineOf: (offset: number) => number) {
    this.#lineOf = lineOf;
  }

  walk(node: AstNode, label = ''): void {
    if (node.type.startsWith('Import') || node.type.startsWith('TSType') || node.type.startsWith('TSInterface')) return this.#types(node);
    this.#note(node, label);
    for (const key of visitorKeys[node.type] ?? []) {
      if (this.#isName(node, key)) continue;
      const value = node[key];
      if (isArray(value)) for (const one of value) if (isNode(one)) this.walk(one, nameOf(one));
      if (isNode(value)) this.walk(value, nameOf(value) || nameOf(node));
    }
  }

  /** Names in types are no values; only `any` matters there. */
  #types(node: AstNode): void {
    if (node.type === 'ImportExpression') return;
    for (const key of visitorKeys[node.type] ?? []) {
      const value = node[key];
      for (const one of isArray(value) ? value : [value]) {
        if (!isNode(one)) continue;
        if (one.type === 'TSAnyKeyword') this.anys.push(this.#mention('any', one));
        this.#types(one);
      }
    }
  }

  /** Property keys and member names are not values. */
  #isName(node: AstNode, key: string): boolean {
    if (node['computed'] === true) return false;
    return (key === 'property' && node.type === 'MemberExpression') || (key === 'key' && /Property|MethodDefinition|AccessorProperty/.test(node.type));
  }

  #note(node: AstNode, label: string): void {
    if (functionTypes.has(node.type)) this.#noteFunction(node, label);
    if (node.type === 'Literal' && typeof node['value'] === 'string') this.strings.push(this.#mention(node['value'], node));
    if (node.type === 'Identifier') this.names.push(this.#mention(String(node['name']), node));
    if (node.type === 'AwaitExpression') this.names.push(this.#mention('await', node));
    if (node.type === 'TSAnyKeyword') this.anys.push(this.#mention('any', node));
    if (node.type === 'MemberExpression') this.members.push(this.#mention(memberText(node), node));
    const parent = node['superClass'];
    if (isNode(parent) && parent.type === 'Identifier') this.heritage.push({ className: nameOf(node), parent: String(parent['name']) });
  }

  #noteFunction(node: AstNode, label: string): void {
    const line = this.#lineOf(node.start);
    this.functions.push({ name: nameOf(node) || label || '(anonymous)', line, lines: this.#lineOf(node.end) - line + 1 });
    if (node['async'] === true) this.names.push(this.#mention('async', node));
  }

  #mention(text: string, node: AstNode): Mention {
    return { text, line: this.#lineOf(node.start) };
  }
}

function nameOf(node: AstNode): string {
  for (const key of ['id', 'key']) {
    const id = node[key];
    if (isNode(id) && typeof id['name'] === 'string') return id['name'];
  }
  return '';
}

function memberText(node: AstNode): string {
  const object = node['object'];
  const property = node['property'];
  const left = isNode(object) && object.type === 'Identifier' ? String(object['name']) : isNode(object) && object.type === 'MetaProperty' ? 'import.meta' : '…';
  return isNode(property) && typeof property['name'] === 'string' ? `${left}.${property['name']}` : left;
}

function isMutable(node: AstNode): boolean {
  const declaration = isNode(node['declaration']) ? node['declaration'] : node;
  return declaration.type === 'VariableDeclaration' && declaration['kind'] !== 'const' && declaration['declare'] !== true;
}

/** @throws SyntaxError for what is not TypeScript. */
export function readSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text);
  const fatal = parsed.errors[0];
  if (fatal !== undefined) throw new SyntaxError(`${path}: ${fatal.message}`);
  const lineOf = lineFinder(text);
  let syntax: Syntax | undefined;
  return {
    path,
    text,
    lineCount: text.split('\n').length - 1,
    isTest: isTestPath(path),
    imports: importsOf(parsed.module, lineOf, text),
    get syntax() {
      syntax ??= readSyntax(parsed.program.body as unknown as readonly AstNode[], text, lineOf);
      return syntax;
    },
  };
}

function readSyntax(body: readonly AstNode[], text: string, lineOf: (offset: number) => number): Syntax {
  const reader = new Reader(lineOf);
  for (const node of body) reader.walk(node, nameOf(node));
  return {
    functions: reader.functions,
    strings: reader.strings,
    names: reader.names,
    members: reader.members,
    mutableModuleState: body.filter(isMutable).map((node) => ({ text: text.slice(node.start, node.end).split('\n')[0] ?? '', line: lineOf(node.start) })),
    heritage: reader.heritage,
    anys: reader.anys,
  };
}

type Module = ReturnType<typeof parseSync>['module'];

function importsOf(module: Module, lineOf: (offset: number) => number, text: string): readonly Import[] {
  const taken = module.staticImports.map((one) => ({
    text: one.moduleRequest.value,
    line: lineOf(one.start),
    names: one.entries.map((entry) => entry.importName.name ?? '*'),
  }));
  const passedOn = module.staticExports.flatMap((one) =>
    one.entries.flatMap((entry) =>
      entry.moduleRequest ? [{ text: entry.moduleRequest.value, line: lineOf(one.start), names: [entry.importName.name ?? '*'] }] : [],
    ),
  );
  const later = module.dynamicImports.map((one) => ({
    text: text.slice(one.moduleRequest.start, one.moduleRequest.end).replaceAll(/['"`]/g, ''),
    line: lineOf(one.start),
    names: ['*'],
  }));
  return [...taken, ...passedOn, ...later];
}
