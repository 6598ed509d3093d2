/** Walks the schema: which keys exist where. */
import { z } from 'zod'
import { configSchema } from './schema.ts'

/** The keys allowed in the mapping at `path`; list positions are skipped. */
export function allowedAt(path: readonly string[]): string[] {
  const at = schemaAt(path)
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

/** Every key that holds a value, dotted: `sip.recursion.depth`. Lists count as values. */
export function allKeys(path: readonly string[] = []): string[] {
  const below = allowedAt(path)
  return below.length === 0 ? [path.join('.')] : below.flatMap((name) => allKeys([...path, name]))
}

/** The schema of the value at `path`, without default and optional wrappers. */
export function schemaAt(path: readonly string[]): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType = configSchema
  for (const step of path) {
    const bare = unwrap(schema)
    if (bare instanceof z.ZodObject) {
      const next: unknown = Object.hasOwn(bare.shape, step) ? bare.shape[step] : undefined
      if (next === undefined) return undefined
      schema = next as z.core.$ZodType
    } else if (bare instanceof z.ZodArray) schema = bare.element
    else return undefined
  }
  return unwrap(schema)
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let bare = schema
  while (bare instanceof z.ZodDefault || bare instanceof z.ZodPrefault || bare instanceof z.ZodOptional) {
    bare = bare.unwrap()
  }
  return bare
}
