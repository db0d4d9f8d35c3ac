/** Writes a small file in MaxMind's format (MaxMind DB 2.0), to read it back by the library that reads real ones. */
interface Network {
  readonly network: string;
  readonly bits: number;
  readonly latitude: number;
  readonly longitude: number;
}

type Value = string | number | bigint | { readonly [key: string]: Value } | readonly Value[];

/** Types of the format: 2 text, 3 double, 5 16 bits, 6 32 bits, 7 map, 9 64 bits, 11 array. */
function control(type: number, size: number): Buffer {
  const extended = type > 7;
  const head = [((extended ? 0 : type) << 5) | (size < 29 ? size : 29), ...(extended ? [type - 7] : []), ...(size < 29 ? [] : [size - 29])];
  return Buffer.from(head);
}

function encode(value: Value, type = 6): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'bigint') {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return Buffer.concat([control(9, 8), bytes]);
  }
  if (typeof value === 'number') {
    if (type === 3) {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      return Buffer.concat([control(3, 8), bytes]);
    }
    const bytes = Buffer.alloc(type === 5 ? 2 : 4);
    bytes.writeUIntBE(value, 0, bytes.length);
    return Buffer.concat([control(type, bytes.length), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map((one) => encode(one as Value))]);
  const entries = Object.entries(value as Readonly<Record<string, Value>>);
  const typeOf = (key: string): number => (key === 'latitude' || key === 'longitude' ? 3 : /^(record_size|ip_version|binary_format)/.test(key) ? 5 : 6);
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, one]) => [encode(key), encode(one, typeOf(key))])]);
}

type Node = [Node | number | undefined, Node | number | undefined];

/** IPv4 alone; records of 32 bits. */
export function mmdbOf(networks: readonly Network[]): Buffer {
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  let offset = 0;
  for (const { bits, latitude, longitude, network } of networks) {
    const address = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    let node = root;
    for (let at = 0; at < bits; at++) {
      const side = Math.floor(address / 2 ** (31 - at)) % 2 === 1 ? 1 : 0;
      if (at === bits - 1) node[side] = offset;
      else {
        const next = node[side];
        const below: Node = typeof next === 'object' ? next : [undefined, undefined];
        node[side] = below;
        node = below;
      }
    }
    const bytes = encode({ location: { latitude, longitude } });
    data.push(bytes);
    offset += bytes.length;
  }
  const nodes: Node[] = [];
  const number = (node: Node): void => {
    nodes.push(node);
    for (const child of node) if (typeof child === 'object') number(child);
  };
  number(root);
  const index = new Map(nodes.map((node, at) => [node, at]));
  const tree = Buffer.alloc(nodes.length * 8);
  nodes.forEach((node, at) => {
    node.forEach((child, side) => {
      const record = child === undefined ? nodes.length : typeof child === 'number' ? nodes.length + 16 + child : (index.get(child) as number);
      tree.writeUInt32BE(record, at * 8 + side * 4);
    });
  });
  const about = {
    ...{ node_count: nodes.length, record_size: 32, ip_version: 4, database_type: 'Test-City', languages: ['en'] },
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1_790_000_000n, description: { en: 'a test' } },
  };
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com'), encode(about)]);
}
