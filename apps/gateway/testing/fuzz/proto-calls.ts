import { create, toBinary, type DescField, type DescMessage, type DescMethod, type DescService, ScalarType } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';

export interface ProtoCall {
  readonly method: DescMethod;
  /** What is sent, in order, before the client's side is closed. */
  readonly messages: readonly Uint8Array[];
}

const depthMax = 3;
const scalars: Readonly<Partial<Record<ScalarType, Arbitrary<unknown>>>> = {
  [ScalarType.DOUBLE]: fc.double(),
  [ScalarType.FLOAT]: fc.float(),
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 60 }),
  [ScalarType.INT32]: fc.integer(),
  [ScalarType.SINT32]: fc.integer(),
  [ScalarType.SFIXED32]: fc.integer(),
  [ScalarType.UINT32]: fc.nat(2 ** 31),
  [ScalarType.FIXED32]: fc.nat(2 ** 31),
  [ScalarType.UINT64]: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  [ScalarType.FIXED64]: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};
const wholeNumbers = fc.oneof(fc.bigInt({ min: -10n, max: 2_000n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

function textsOf(known: readonly string[]): Arbitrary<string> {
  const odd = [
    '',
    ' ',
    '\u0000',
    'a\r\nb: c',
    '%00',
    "' OR 1=1 --",
    '../../etc/passwd',
    'x'.repeat(5_000),
    '{"a":1}',
    '[[[[',
    '\u202e',
    'constructor',
    '__proto__',
  ];
  return fc.oneof(fc.constantFrom(...known), fc.constantFrom(...odd), fc.string({ maxLength: 30 }));
}

function scalarOf(type: ScalarType, known: readonly string[]): Arbitrary<unknown> {
  return type === ScalarType.STRING ? textsOf(known) : (scalars[type] ?? wholeNumbers);
}

function singleOf(field: DescField, known: readonly string[], depth: number): Arbitrary<unknown> {
  if (field.message !== undefined) return messageOf(field.message, known, depth - 1);
  if (field.enum !== undefined) return fc.oneof(fc.constantFrom(...field.enum.values.map(({ number }) => number)), fc.integer());
  return scalarOf(field.scalar as ScalarType, known);
}

function fieldOf(field: DescField, known: readonly string[], depth: number): Arbitrary<unknown> {
  const single = singleOf(field, known, depth);
  if (field.fieldKind === 'list') return fc.array(single, { maxLength: 4 });
  if (field.fieldKind === 'map') return fc.array(fc.tuple(textsOf(known), single), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs));
  return single;
}

/** Values of a message's fields, some of them left out; of a oneof, one. */
function messageOf(message: DescMessage, known: readonly string[], depth: number): Arbitrary<Readonly<Record<string, unknown>>> {
  if (depth <= 0) return fc.constant({});
  const members = message.members.map((member): readonly [string, Arbitrary<unknown>] =>
    member.kind === 'oneof'
      ? [member.localName, fc.oneof(...member.fields.map((field) => fieldOf(field, known, depth).map((value) => ({ case: field.localName, value }))))]
      : [member.localName, fieldOf(member, known, depth)],
  );
  return fc.record(Object.fromEntries(members), { requiredKeys: [] });
}

/** What is not a message, or not this one: cut, changed, of other wire types, longer than it says, nested without end. */
const damages: Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((bytes: Uint8Array) => bytes) },
  { weight: 2, arbitrary: fc.nat().map((at) => (bytes: Uint8Array) => bytes.subarray(0, at % (bytes.length + 1))) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(), fc.nat(255)).map(
      ([at, to]) =>
        (bytes: Uint8Array) =>
          bytes.map((byte, index) => (index === at % bytes.length ? to : byte)),
    ),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }).map((junk) => () => junk) },
  { weight: 1, arbitrary: fc.nat(15).map((field) => () => Uint8Array.from([(field << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x07])) },
  { weight: 1, arbitrary: fc.nat(15).map((field) => () => new Uint8Array(10_000).fill((field << 3) | 3)) },
  { weight: 1, arbitrary: fc.nat(15).map((field) => () => Uint8Array.from([(field << 3) | 2, 3, 0xff, 0xfe, 0x80])) },
  { weight: 1, arbitrary: fc.constant((bytes: Uint8Array) => Buffer.concat(Array.from({ length: 2_000 }, () => bytes)).subarray(0, 500_000)) },
);

function callsOf(method: DescMethod, known: readonly string[]): Arbitrary<ProtoCall> {
  const message = fc.tuple(messageOf(method.input, known, depthMax), damages).map(([fields, damage]) => damage(encoded(method.input, fields)));
  const isStream = method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming';
  return fc.array(message, isStream ? { maxLength: 4 } : { minLength: 1, maxLength: 1 }).map((messages) => ({ method, messages }));
}

function encoded(desc: DescMessage, fields: Readonly<Record<string, unknown>>): Uint8Array {
  return toBinary(desc, create(desc, fields as never));
}

/** Calls of every method of the services in turn. The same seed makes the same calls. @param known ids of things that are there */
export function protoCalls(
  services: readonly DescService[],
  { seed, count, known }: { readonly seed: number; readonly count: number; readonly known: readonly string[] },
): readonly ProtoCall[] {
  const methods = services.flatMap((service) => service.methods);
  const each = Math.ceil(count / methods.length);
  const samples = methods.map((method, at) => fc.sample(callsOf(method, known), { numRuns: each, seed: seed + at }));
  return Array.from({ length: each }, (_, at) => samples.map((calls) => calls[at] as ProtoCall)).flat();
}
