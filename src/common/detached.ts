/**
 * The same text in memory of its own. Values cut out of a message keep the whole head alive, which is right for the
 * life of a transaction; what stays longer, such as a binding, should keep only itself.
 */
export function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** The same for a text with any characters, such as the name of an account. */
export function detachedUnicode(text: string): string {
  return Buffer.from(text).toString()
}
