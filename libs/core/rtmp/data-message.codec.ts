import { decodeAmf0, encodeAmf0, encodeAmf0Script, type AmfObject } from '#core/flv';

const setDataFrame = encodeAmf0('@setDataFrame');

/** A data message that tells the server to keep `onMetaData` for every reader (the `@setDataFrame` of FMLE and all after it). */
export function encodeSetDataFrame(name: string, properties: AmfObject): Uint8Array {
  const script = encodeAmf0Script(name, properties);
  const payload = new Uint8Array(setDataFrame.length + script.length);
  payload.set(setDataFrame);
  payload.set(script, setDataFrame.length);
  return payload;
}

/**
 * The body of an FLV script tag from a data message: `@setDataFrame` is taken off, the rest is the same bytes.
 * Undefined for a data message that is not `onMetaData`.
 * @throws FlvError for what is not AMF.
 */
export function scriptBodyOf(payload: Uint8Array): Uint8Array | undefined {
  const values = decodeAmf0(payload);
  if (values[0] === '@setDataFrame') {
    if (values[1] !== 'onMetaData') return undefined;
    // A client that speaks AMF 3 may have written the name in it, too.
    const isUsual = setDataFrame.every((byte, at) => payload[at] === byte);
    return isUsual ? payload.slice(setDataFrame.length) : encodeAmf0(...values.slice(1));
  }
  return values[0] === 'onMetaData' ? payload.slice() : undefined;
}
