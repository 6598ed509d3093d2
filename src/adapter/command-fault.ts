import type { CommandError } from '../reload/index.ts'

/** Why a command to the overlay failed, in words for people. */
export function reasonOf(error: CommandError): string {
  switch (error.kind) {
    case 'reload':
      return `overlay error ${error.code}${error.info === '' ? '' : `: ${error.info}`}`
    case 'timeout':
      return 'no answer from the overlay'
    case 'notJoined':
      return 'not joined to the overlay'
    case 'link':
    case 'invalidAnswer':
      return error.reason
  }
}
