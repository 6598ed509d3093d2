/**
 * Makes PNG pictures of pages small: at most 256 colours, by what is seen most. Pages have few colours and their edges; a
 * photograph would suffer.
 */
import { deflateSync, inflateSync } from 'node:zlib'
import { crc32 } from './crc32.ts'

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
const COLOURS_MAX = 128
/** Colours nearer than this, as a sum of squares over three channels, share a place in the palette. */
const NEAR = 60

/** `png` with 8 bits a channel, as browsers write it: RGB or RGBA, not interlaced. */
export function withPalette(png: Uint8Array): Uint8Array {
  const { width, height, pixels } = decoded(Buffer.from(png))
  const palette = paletteOf(pixels)
  const places = new Map<number, number>()
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = pixels[y * width + x] as number
      let place = places.get(colour)
      if (place === undefined) {
        place = nearest(palette, colour)
        places.set(colour, place)
      }
      rows[y * (width + 1) + 1 + x] = place
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = 8
  head[9] = 3
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

interface Picture {
  readonly width: number
  readonly height: number
  /** 0xRRGGBB each. */
  readonly pixels: Uint32Array
}

function decoded(png: Buffer): Picture {
  const parts: Buffer[] = []
  let head = Buffer.alloc(13)
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    const data = png.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') head = Buffer.from(data)
    if (type === 'IDAT') parts.push(data)
    at += 12 + length
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)]
  const channels = head[9] === 6 ? 4 : head[9] === 2 ? 3 : 0
  if (head[8] !== 8 || channels === 0 || head[12] !== 0) throw new Error('not a PNG as browsers write it')
  const bytes = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels)
  const pixels = new Uint32Array(width * height)
  for (let i = 0; i < pixels.length; i++) {
    const at = i * channels
    pixels[i] = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
  }
  return { width, height, pixels }
}

/** PNG (second edition) s.9: each line says how it was predicted. */
function unfiltered(data: Buffer, stride: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)] as number
    for (let x = 0; x < stride; x++) {
      const raw = data[y * (stride + 1) + 1 + x] as number
      const left = x < channels ? 0 : (out[y * stride + x - channels] as number)
      const above = y === 0 ? 0 : (out[(y - 1) * stride + x] as number)
      const corner = y === 0 || x < channels ? 0 : (out[(y - 1) * stride + x - channels] as number)
      out[y * stride + x] = raw + predicted(filter, left, above, corner)
    }
  }
  return out
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 1:
      return left
    case 2:
      return above
    case 3:
      return (left + above) >> 1
    case 4: {
      const guess = left + above - corner
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)]
      return a <= b && a <= c ? left : b <= c ? above : corner
    }
    default:
      return 0
  }
}

/** Most frequent first; of colours that nobody tells apart the first. */
function paletteOf(pixels: Uint32Array): number[] {
  const counts = new Map<number, number>()
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const palette: number[] = []
  for (const [colour] of [...counts].toSorted((a, b) => b[1] - a[1])) {
    if (palette.length >= COLOURS_MAX) break
    if (palette.every((other) => distance(colour, other) >= NEAR)) palette.push(colour)
  }
  return palette
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  for (let at = 1; at < palette.length; at++)
    if (distance(colour, palette[at] as number) < distance(colour, palette[best] as number)) best = at
  return best
}

function distance(a: number, b: number): number {
  const part = (shift: number): number => (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2
  return part(16) + part(8) + part(0)
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
