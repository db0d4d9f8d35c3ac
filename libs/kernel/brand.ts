declare const brand: unique symbol;

/** A primitive with a name, so that a stream id cannot be passed where an edge id is meant. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
