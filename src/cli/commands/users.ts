/** `ringbridge users`: the accounts file. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { changeAccounts, loadAccounts, type AccountEntry } from '../../app/accounts/account-file.ts'
import { isUsername, newAccount, USERNAME_RULE } from '../../app/accounts/new-account.ts'
import { loadConfig } from '../../app/config/load.ts'
import { accountsFile, realmOf } from '../../app/config/places.ts'
import { randomPassword } from '../../app/crypto-random.ts'
import { privateFolder } from '../../app/files.ts'
import { canonicalAor } from '../../sip/index.ts'
import { EXIT, noneLeft, print, readArgs, UsageError, type Command, verbOf } from '../command.ts'
import { readSecret, readText } from '../secret-file.ts'

const HELP = `ringbridge users add NAME       add an account; without a password one is made up and printed once
ringbridge users password NAME  give an account another one; made up and printed once where none is given
ringbridge users list           show the accounts
ringbridge users remove NAME    remove an account
ringbridge users import FILE    add accounts from lines of name,password; a first line of just these words is a heading,
                                and quotes around a field are left out

NAME may be written NAME@DOMAIN, with the realm as its domain. Only digest hashes are kept. A running node takes the change at SIGHUP.

  --config FILE          configuration of the node (default: all defaults)
  --users FILE           accounts file, instead of that of the configuration
  --realm DOMAIN         digest realm, instead of that of the configuration
  --password WORD        for add and password; or
  --password-file FILE   file that holds it, - for standard input
  --update               for import: accounts that are there get the password of the file
  --json                 JSON`

export const users: Command = {
  help: HELP,
  run: (args) => {
    const { values, positionals } = readArgs(args, {
      config: { type: 'string' },
      users: { type: 'string' },
      realm: { type: 'string' },
      password: { type: 'string' },
      'password-file': { type: 'string' },
      update: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    })
    const [verb, subject] = positionals
    const action = verbOf(verb, 'users', ['add', 'password', 'list', 'remove', 'import'])
    noneLeft(positionals, action === 'list' ? 1 : 2)
    if (values.password === '') throw new UsageError('--password: an empty one is none')
    const config = loadConfig(values.config, process.env).config
    const file = values.users ?? accountsFile(config)
    const realm = values.realm ?? realmOf(config)
    // Where nobody has been added yet there is no file; one that was named is another matter.
    if (values.users !== undefined && ['password', 'list', 'remove'].includes(action) && !existsSync(file))
      throw new UsageError(`--users ${file}: there is no such file`)
    const change = (apply: (entries: readonly AccountEntry[]) => readonly AccountEntry[]): void => {
      changeAccounts(file, (entries) => {
        const changed = apply(entries)
        // Only now: what is refused leaves no folder behind.
        privateFolder(dirname(file), '--users or sip.users')
        return changed
      })
    }
    /** The password that was given, or one that is shown this once. */
    const chosen = (): { readonly password: string; readonly shown: object; readonly text: string } => {
      const file = values['password-file']
      const given = file === undefined ? values.password : readSecret(file)
      if (given !== undefined) return { password: given, shown: {}, text: '' }
      const password = randomPassword()
      return { password, shown: { password }, text: `, password ${password} (shown once)` }
    }
    const say = (object: object, line: string): void => print(values.json ? JSON.stringify(object) : line)
    switch (action) {
      case 'list': {
        const entries = existsSync(file) ? loadAccounts(file) : []
        if (values.json)
          print(JSON.stringify(entries.map((entry) => ({ username: entry.username, aors: aorsOf(entry) }))))
        else for (const entry of entries) print(aorsOf(entry).join(' '))
        break
      }
      case 'add': {
        const username = validName(nameIn(subject, realm))
        const { password, shown, text } = chosen()
        const account = newAccount(username, realm, password)
        change((entries) => {
          if (entries.some((entry) => entry.username === username))
            throw new UsageError(`account "${username}" exists; another password: ringbridge users password`)
          return withOwnNames([...entries, account])
        })
        say({ added: username, realm, ...shown }, `added ${username}@${realm}${text}`)
        break
      }
      case 'password': {
        if (subject === undefined) throw new UsageError('the NAME of an account is expected')
        const username = nameIn(subject, realm) ?? subject
        const { password, shown, text } = chosen()
        const { ha1, ha1b } = newAccount(username, realm, password)
        change((entries) => {
          if (!entries.some((entry) => entry.username === username))
            throw new UsageError(`no account "${username}"`)
          // What else was said of the account stays.
          return entries.map((entry) =>
            entry.username === username ? { ...entry, realm, ha1, ha1b } : entry,
          )
        })
        say({ changed: username, realm, ...shown }, `changed ${username}@${realm}${text}`)
        break
      }
      case 'remove': {
        if (subject === undefined) throw new UsageError('the NAME of an account is expected')
        const username = nameIn(subject, realm)
        change((entries) => {
          const left = entries.filter((entry) => entry.username !== username)
          if (left.length === entries.length) throw new UsageError(`no account "${username}"`)
          return left
        })
        say({ removed: username }, `removed ${username}`)
        break
      }
      case 'import': {
        if (subject === undefined) throw new UsageError('the file to import is missing')
        const lines = readText(subject).split(/\r?\n/)
        let count = 0
        change((entries) => {
          const taken = new Set(values.update ? [] : entries.map((entry) => entry.username))
          const added = imported(subject, lines, realm, taken)
          count = added.length
          const fresh = new Map(added.map((entry) => [entry.username, entry]))
          const kept = entries.map((entry) => {
            const update = fresh.get(entry.username)
            fresh.delete(entry.username)
            // What else was said of the account stays.
            return update === undefined ? entry : { ...entry, ...update }
          })
          return withOwnNames([...kept, ...fresh.values()])
        })
        say({ imported: count }, `imported ${count} accounts`)
        break
      }
    }
    return Promise.resolve(EXIT.done)
  },
}

/** First line of a table that somebody has exported. */
const HEADING = /^"?(?:user|name|username|user name)"?\s*,\s*"?password"?\s*$/i

function aorsOf({ username, realm, aors }: AccountEntry): readonly string[] {
  return aors ?? [`${username}@${realm}`]
}

/** As `users list` shows it: the realm may stand behind the name. */
function nameIn(text: string | undefined, realm: string): string | undefined {
  const bare = text?.replace(/^sips?:/i, '')
  const domain = bare?.slice(bare.lastIndexOf('@') + 1)
  if (bare?.includes('@') !== true || domain?.toLowerCase() !== realm.toLowerCase()) return bare
  return bare.slice(0, bare.lastIndexOf('@'))
}

/** All lines or none. */
function imported(file: string, lines: readonly string[], realm: string, taken: Set<string>): AccountEntry[] {
  const added: AccountEntry[] = []
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    if (index === 0 && HEADING.test(line)) continue
    const comma = line.indexOf(',')
    const username = nameIn(unquoted(line.slice(0, comma)), realm) ?? ''
    const password = unquoted(line.slice(comma + 1))
    if (comma < 1 || password === '') throw new UsageError(`${file}:${index + 1}: name,password is expected`)
    if (!isUsername(username))
      throw new UsageError(`${file}:${index + 1}: a name of ${USERNAME_RULE} is expected`)
    if (taken.has(username)) throw new UsageError(`${file}:${index + 1}: account "${username}" exists`)
    taken.add(username)
    added.push(newAccount(username, realm, password))
  }
  return added
}

/** A field as spreadsheets export it: in quotes where it has commas or quotes, which are doubled then (RFC 4180 s.2). */
function unquoted(field: string): string {
  const bare = field.trim()
  const quoted = /^"((?:[^"]|"")*)"$/.exec(bare)?.[1]
  return quoted === undefined ? bare : quoted.replaceAll('""', '"')
}

/** The same; a file in which two accounts own one AOR would not be read by any node. */
function withOwnNames(entries: readonly AccountEntry[]): readonly AccountEntry[] {
  const owners = new Map<string, string>()
  for (const entry of entries) {
    for (const aor of aorsOf(entry)) {
      const canonical = canonicalAor(`sip:${aor}`)
      const name = canonical.ok ? canonical.value : aor
      const owner = owners.get(name)
      if (owner !== undefined && owner !== entry.username)
        throw new UsageError(`account "${entry.username}": ${name} belongs to account "${owner}"`)
      owners.set(name, entry.username)
    }
  }
  return entries
}

function validName(name: string | undefined): string {
  if (name === undefined || !isUsername(name)) throw new UsageError(`a NAME of ${USERNAME_RULE} is expected`)
  return name
}
