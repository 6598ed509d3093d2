/**
 * Forwarding by splicing: the lines that change are replaced, everything else goes out as it came in, folds, odd
 * case and unknown headers included (RFC 3261 s.16.3, s.16.6.1). Each operation sees the effect of the ones before it.
 */
import { LINE_STRIDE } from './head.ts'
import { MAX_FORWARDS, displayName, type HeaderName } from './header-ids.ts'
import { slice, valueEndAt } from './lists.ts'
import { MAX_FORWARDS_DEFAULT, type SipMessage } from './sip-message.ts'

interface Added {
  readonly name: HeaderName
  value: string
  /** Offset in the head where the line goes in: before the line that starts there. */
  readonly at: number
}

export class Edit {
  private readonly message: SipMessage
  private uri: string | undefined = undefined
  /** New value of a header line by its offset in `head.lines`; null removes the line. Few entries, so plain arrays. */
  private readonly changedLines: number[] = []
  private readonly changedValues: (string | null)[] = []
  private readonly prepended: Added[] = []
  private readonly appended: Added[] = []
  private body: Uint8Array | undefined = undefined

  constructor(message: SipMessage) {
    this.message = message
  }

  /** Replaces the Request-URI. */
  requestUri(uri: string): void {
    this.uri = uri
  }

  /** Adds a header line above the first of its name; without one, directly after the start line. */
  prepend(name: HeaderName, value: string): void {
    this.prepended.push({ name, value, at: this.firstLineStart(name) })
  }

  /** Adds a header line after all others. */
  append(name: HeaderName, value: string): void {
    this.appended.push({ name, value, at: this.message.head.headersEnd })
  }

  /** Replaces every header of this name by one line, where the first one was. */
  set(name: HeaderName, value: string): void {
    dropNamed(this.prepended, name)
    dropNamed(this.appended, name)
    let placed = false
    for (
      let line = this.message.findLine(name);
      line >= 0;
      line = this.message.findLine(name, line + LINE_STRIDE)
    ) {
      this.change(line, placed ? null : value)
      placed = true
    }
    if (!placed) this.append(name, value)
  }

  /** Removes every header of this name. */
  remove(name: HeaderName): void {
    dropNamed(this.prepended, name)
    dropNamed(this.appended, name)
    for (
      let line = this.message.findLine(name);
      line >= 0;
      line = this.message.findLine(name, line + LINE_STRIDE)
    ) {
      this.change(line, null)
    }
  }

  /** Removes the first value of this name; a comma list keeps the others. */
  removeFirst(name: HeaderName): void {
    this.changeFirst(name, undefined)
  }

  /** Removes the last value of this name; a comma list keeps the others. */
  removeLast(name: HeaderName): void {
    const added = lastNamed(this.appended, name)
    if (added >= 0) {
      this.appended.splice(added, 1)
      return
    }
    for (let line = this.lastLine(name); line >= 0; line = this.lastLine(name, line)) {
      const value = this.current(line)
      if (value === null) continue
      let lastStart = 0
      for (
        let end = valueEndAt(value, 0, value.length);
        end < value.length;
        end = valueEndAt(value, end + 1, value.length)
      ) {
        lastStart = end + 1
      }
      this.change(line, lastStart === 0 ? null : slice(value, 0, lastStart - 1))
      return
    }
    const prepended = this.prepended.findIndex((header) => header.name === name)
    if (prepended >= 0) this.prepended.splice(prepended, 1)
  }

  /** Replaces the top Via value. */
  replaceTopVia(value: string): void {
    this.changeFirst('via', value)
  }

  /** One less, never below 0; 70 when there is none (RFC 3261 s.16.6.3). */
  decrementMaxForwards(): void {
    const line = this.message.findId(MAX_FORWARDS)
    if (line < 0) this.prepend('max-forwards', String(MAX_FORWARDS_DEFAULT))
    else this.change(line, String(Math.max(0, (this.message.maxForwards ?? MAX_FORWARDS_DEFAULT) - 1)))
  }

  /** Adds Content-Length where the sender left it out, as streams need it (RFC 3261 s.16.6.8). */
  ensureContentLength(): void {
    if (!this.message.has('content-length') && lastNamed(this.appended, 'content-length') < 0) {
      this.append('content-length', String(this.message.bodyLength))
    }
  }

  /** Replaces the body and its Content-Length. */
  replaceBody(body: Uint8Array): void {
    this.body = body
    this.set('content-length', String(body.length))
  }

  /** The edited message; may be called more than once. */
  toBytes(): Uint8Array {
    const { message } = this
    const head = this.headText()
    const bodyLength = this.body?.length ?? message.bodyLength
    const bytes = Buffer.allocUnsafe(head.length + bodyLength)
    bytes.write(head, 0, 'latin1')
    if (bodyLength > 0) bytes.set(this.body ?? message.body, head.length)
    return bytes
  }

  private headText(): string {
    const { head } = this.message
    const { text, lines } = head
    let out = this.startLineText()
    let copied = head.startLineEnd
    // Changes in the order of the lines; at the same place additions come first, the latest on top.
    const changes = this.changedLines
    let change = 0
    const added = this.prepended
    const order = ordered(added)
    let next = 0
    if (changes.length > 1) this.sortChanges()
    while (change < changes.length || next < order.length) {
      const line = changes[change]
      const lineAt = line === undefined ? Number.POSITIVE_INFINITY : (lines[line + 1] as number)
      const addition = next < order.length ? (order[next] as Added) : undefined
      if (addition !== undefined && addition.at <= lineAt) {
        out += text.slice(copied, addition.at) + displayName(addition.name) + ': ' + addition.value + '\r\n'
        copied = addition.at
        next++
        continue
      }
      const value = this.changedValues[change] as string | null
      const start = line as number
      if (value === null) {
        out += text.slice(copied, lineAt)
        copied =
          start + LINE_STRIDE < lines.length ? (lines[start + LINE_STRIDE + 1] as number) : head.headersEnd
      } else {
        out += text.slice(copied, lines[start + 2]) + value
        copied = lines[start + 3] as number
      }
      change++
    }
    out += text.slice(copied, head.headersEnd)
    for (const header of this.appended) out += `${displayName(header.name)}: ${header.value}\r\n`
    return out + '\r\n'
  }

  private startLineText(): string {
    const { message } = this
    const { head, startLine } = message
    if (startLine.kind === 'response') {
      return startLine.exact
        ? head.text.slice(head.start, head.startLineEnd)
        : `SIP/2.0${head.text.slice(startLine.methodEnd, head.startLineEnd)}`
    }
    if (this.uri === undefined && startLine.exact) return head.text.slice(head.start, head.startLineEnd)
    return `${message.method} ${this.uri ?? message.requestUri} SIP/2.0`
  }

  /** Where an added line of this name goes: above the first line of that name that stands in the message. */
  private firstLineStart(name: HeaderName): number {
    const { head } = this.message
    const line = this.message.findLine(name)
    return line < 0 ? head.startLineEnd + 2 : (head.lines[line + 1] as number)
  }

  /** Replaces the first value of this name, or removes it. */
  private changeFirst(name: HeaderName, value: string | undefined): void {
    const prepended = lastNamed(this.prepended, name)
    if (prepended >= 0) {
      if (value === undefined) this.prepended.splice(prepended, 1)
      else (this.prepended[prepended] as Added).value = value
      return
    }
    for (
      let line = this.message.findLine(name);
      line >= 0;
      line = this.message.findLine(name, line + LINE_STRIDE)
    ) {
      const current = this.current(line)
      if (current === null) continue
      const end = valueEndAt(current, 0, current.length)
      const rest = slice(current, end + 1, current.length)
      if (rest === '') this.change(line, value ?? null)
      else this.change(line, value === undefined ? rest : `${value}, ${rest}`)
      return
    }
    const appended = this.appended.findIndex((header) => header.name === name)
    if (appended < 0) return
    if (value === undefined) this.appended.splice(appended, 1)
    else (this.appended[appended] as Added).value = value
  }

  private current(line: number): string | null {
    const index = this.changedLines.indexOf(line)
    return index < 0 ? this.message.valueAt(line) : (this.changedValues[index] as string | null)
  }

  private change(line: number, value: string | null): void {
    const index = this.changedLines.indexOf(line)
    if (index >= 0) this.changedValues[index] = value
    else {
      this.changedLines.push(line)
      this.changedValues.push(value)
    }
  }

  private lastLine(name: HeaderName, before = Number.POSITIVE_INFINITY): number {
    let last = -1
    for (let line = this.message.findLine(name); line >= 0 && line < before;) {
      last = line
      line = this.message.findLine(name, line + LINE_STRIDE)
    }
    return last
  }

  private sortChanges(): void {
    const { changedLines, changedValues } = this
    for (let i = 1; i < changedLines.length; i++) {
      const line = changedLines[i] as number
      const value = changedValues[i] as string | null
      let j = i
      for (; j > 0 && (changedLines[j - 1] as number) > line; j--) {
        changedLines[j] = changedLines[j - 1] as number
        changedValues[j] = changedValues[j - 1] as string | null
      }
      changedLines[j] = line
      changedValues[j] = value
    }
  }
}

/** By place; of one place the latest first. They are few. */
function ordered(added: readonly Added[]): readonly Added[] {
  if (added.length < 2) return added
  const order: Added[] = []
  for (const each of added) {
    let place = order.push(each) - 1
    for (; place > 0 && (order[place - 1] as Added).at >= each.at; place--)
      order[place] = order[place - 1] as Added
    order[place] = each
  }
  return order
}

function lastNamed(added: readonly Added[], name: HeaderName): number {
  for (let i = added.length - 1; i >= 0; i--) if ((added[i] as Added).name === name) return i
  return -1
}

function dropNamed(added: Added[], name: HeaderName): void {
  for (let i = lastNamed(added, name); i >= 0; i = lastNamed(added, name)) added.splice(i, 1)
}
