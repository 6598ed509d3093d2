/**
 * The RELOAD wire format: bytes in, values out, and back. Knows nothing of connections, signatures or routing.
 * What the rest of `reload/` uses is exported here; the method bodies live one a file in `messages/`.
 */
export * from './ids.ts'
export * from './types.ts'
export * from './code-points.ts'
