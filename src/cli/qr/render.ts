/** A QR code for eyes and cameras: as text of a terminal, as SVG. Both with the quiet zone of four modules. */
import type { QrMatrix } from './matrix.ts'

const QUIET = 4

/**
 * Two modules a character, one above the other. Light modules are drawn and dark ones left out, which is right on dark
 * terminals; `dark` false is for light ones.
 */
export function terminalText(matrix: QrMatrix, dark = true): string {
  const lines: string[] = []
  for (let y = -QUIET; y < matrix.length + QUIET; y += 2) {
    let line = ''
    for (let x = -QUIET; x < matrix.length + QUIET; x++) {
      const upper = isDark(matrix, x, y) !== dark
      // A last row without a partner is one of the margin.
      const lower = y + 1 < matrix.length + QUIET && isDark(matrix, x, y + 1) !== dark
      line += upper ? (lower ? '█' : '▀') : lower ? '▄' : ' '
    }
    lines.push(line)
  }
  return lines.join('\n')
}

/** Black on white, one path, scaled by whoever shows it. */
export function svg(matrix: QrMatrix): string {
  const size = matrix.length + 2 * QUIET
  let path = ''
  for (const [y, row] of matrix.entries())
    for (const [x, dark] of row.entries()) if (dark) path += `M${x + QUIET},${y + QUIET}h1v1h-1z`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">`,
    `<rect width="${size}" height="${size}" fill="#fff"/>`,
    `<path d="${path}" fill="#000"/>`,
    '</svg>',
  ].join('\n')
}

function isDark(matrix: QrMatrix, x: number, y: number): boolean {
  return matrix[y]?.[x] ?? false
}
