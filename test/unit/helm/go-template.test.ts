import { describe, expect, it } from 'vitest'
import { TemplateSet } from '../../support/go-template.ts'

function rendered(text: string, dot: unknown = {}): string {
  const set = new TemplateSet()
  set.add('t', text)
  return set.render('t', dot)
}

// The expected texts are what Go's text/template gives, from its documentation.
describe('templates', () => {
  it.each([
    ['a {{- 1 -}} b', {}, 'a1b'],
    ['{{ .a.b }}{{ .a.none }}', { a: { b: 'x' } }, 'x'],
    ['{{ if .a }}A{{ else if .b }}B{{ else }}C{{ end }}', { b: 1 }, 'B'],
    ['{{ if .a }}A{{ else }}C{{ end }}', { a: [] }, 'C'],
    ['{{ with .a }}{{ . }}{{ $.b }}{{ end }}', { a: 'x', b: 'y' }, 'xy'],
    ['{{ range $i, $v := .l }}{{ $i }}={{ $v }} {{ end }}', { l: ['a', 'b'] }, '0=a 1=b '],
    ['{{ range until 3 }}{{ . }}{{ end }}', {}, '012'],
    ['{{ $x := 0 }}{{ if true }}{{ $x = 5 }}{{ end }}{{ $x }}', {}, '5'],
    ['{{ $x := 0 }}{{ if true }}{{ $x := 5 }}{{ end }}{{ $x }}', {}, '0'],
    ['{{ define "d" }}<{{ .n }}>{{ end }}{{ include "d" (dict "n" 3) | quote }}', {}, '"<3>"'],
    ['{{ printf "%s-%d" "a" (add 1 2) | trunc 2 }}', {}, 'a-'],
    ['{{ default "x" .a }}{{ eq .b "y" "z" }}', { b: 'z' }, 'xtrue'],
    ['x:{{ toYaml .a | nindent 2 }}', { a: { b: [1] } }, 'x:\n  b:\n    - 1'],
    ['{{/* nothing */}}{{ "}}" }}', {}, '}}'],
    ['{{ ternary "a" "b" (and .x (not .y)) }}', { x: 1 }, 'a'],
  ])('%j with %j is %j', (text, dot, expected) => {
    expect(rendered(text, dot)).toBe(expected)
  })

  it.each([
    ['{{ nonsense 1 }}', /no function "nonsense"/],
    ['{{ .a.b.c }}', /\.c of undefined/],
    ['{{ $x }}', /no variable/],
    ['{{ if true }}', /no end/],
    ['{{ . }}', /printed/],
    ['{{ eq 1 "1" }}', /incompatible types/],
    ['{{ fail "why" }}', /why/],
  ])('%j is an error', (text, expected) => {
    expect(() => rendered(text, { a: {}, b: 1 })).toThrow(expected)
  })
})
