/** Kinds of values that many keys have. */
import { z } from 'zod'

export const text = () => z.string().min(1).max(1024)
export const seconds = (least: number, most: number) => z.int().min(least).max(most)
