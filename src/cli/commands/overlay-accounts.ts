/** `ringbridge overlay accounts`: who may enroll which user names at an authority. */
import { existsSync } from 'node:fs'
import { checkNamePattern, opaqueString, preparedLogin } from '../../enrollment/index.ts'
import {
  enrollmentAccountsText,
  hashPassword,
  isAccountName,
  loadEnrollmentAccounts,
  parseEnrollmentAccounts,
  type EnrollmentAccount,
} from '../../enrollment/http/index.ts'
import { randomPassword } from '../../app/crypto-random.ts'
import { changeFile, privateFolder, readNeeded } from '../../app/files.ts'
import { fromUtf8 } from '../../common/bytes.ts'
import { asConfigError, enrollmentAccountsFile } from '../../app/trust/overlay-folder.ts'
import { EXIT, noneLeft, print, readArgs, UsageError, verbOf } from '../command.ts'
import { readSecret } from '../secret-file.ts'

const ACCOUNTS = 'who may enroll'
const OPTIONS = {
  authority: { type: 'string' },
  names: { type: 'string' },
  'password-file': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** `args`: what follows "accounts". */
export async function overlayAccounts(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArgs(args, OPTIONS)
  const [verb, typed] = positionals
  const action = verbOf(verb, 'overlay accounts', ['add', 'list', 'remove'])
  noneLeft(positionals, action === 'list' ? 1 : 2)
  const folder = values.authority ?? './data/authority'
  // An account may be added before the first start; where nobody has added one, there is none to list, and a folder that was named is there.
  if ((action !== 'add' || values.authority !== undefined) && !existsSync(folder))
    throw new UsageError(`--authority ${folder}: there is no such folder`)
  const file = enrollmentAccountsFile(folder)
  const say = (object: object, line: string): void => print(values.json ? JSON.stringify(object) : line)
  if (action === 'list') {
    const accounts = await asConfigError(loadEnrollmentAccounts(file), ACCOUNTS)
    if (values.json)
      print(JSON.stringify(accounts.map(({ account: name, names }) => ({ account: name, names }))))
    else for (const { account: name, names } of accounts) print(`${name}  ${shown(names)}`)
    return EXIT.done
  }
  const account = typed === undefined ? undefined : preparedLogin(typed)
  if (account === undefined || !isAccountName(account))
    throw new UsageError('an ACCOUNT of 1 to 256 bytes without blanks is expected')
  if (action === 'remove') {
    await change(file, (accounts) => {
      const others = accounts.filter((each) => each.account !== account)
      if (others.length === accounts.length) throw new UsageError(`no account "${account}"`)
      return others
    })
    say({ removed: account }, `removed ${account}; certificates it has already got stay valid`)
    return EXIT.done
  }
  const names = namesOf(values.names)
  const given = values['password-file'] === undefined ? undefined : readSecret(values['password-file'])
  const prepared = opaqueString(given ?? randomPassword())
  if (!prepared.ok) throw new UsageError(`the password ${prepared.error}`)
  const password = prepared.value
  const added: EnrollmentAccount = { account, scrypt: await hashPassword(password), names }
  // Only now: what is refused leaves no folder behind.
  privateFolder(folder, '--authority')
  let changed = false
  await change(file, (accounts) => {
    const others = accounts.filter((each) => each.account !== account)
    changed = others.length < accounts.length
    return [...others, added]
  })
  say(
    { [changed ? 'changed' : 'added']: account, names, ...(given === undefined ? { password } : {}) },
    `${changed ? 'changed' : 'added'} ${account}, may enroll ${shown(names)}${given === undefined ? `, password ${password} (shown once)` : ''}`,
  )
  return EXIT.done
}

/** On top of what others write meanwhile: their passwords were shown once, and no second time. */
function change(
  file: string,
  apply: (accounts: readonly EnrollmentAccount[]) => readonly EnrollmentAccount[],
): Promise<void> {
  const found = (): EnrollmentAccount[] =>
    parseEnrollmentAccounts(fromUtf8(readNeeded(file, '--authority')), file)
  const work = (): void => changeFile(file, (there) => enrollmentAccountsText(apply(there ? found() : [])))
  return asConfigError(Promise.resolve().then(work), ACCOUNTS)
}

function namesOf(text: string | undefined): string[] {
  const names = text === undefined ? [] : text.split(',').map((name) => name.trim())
  for (const name of names) {
    const checked = checkNamePattern(name)
    if (!checked.ok) throw new UsageError(`--names: "${name}": ${checked.error}`)
  }
  return names
}

function shown(names: readonly string[]): string {
  return names.length === 0 ? 'its own name' : names.join(' ')
}
