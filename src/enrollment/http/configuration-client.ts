/** GET of a Configuration Document (RFC 6940 s.11.2). What to believe of the answer: document-keeper.ts. */
import type { Random } from '../../common/random.ts'
import type { HttpsPlace } from '../config-server-url.ts'
import { CONFIG_TYPE } from '../config-server-url.ts'
import type { FetchOutcome } from '../document-keeper.ts'
import { askHttps, type HttpsTrust } from './https-request.ts'

/** As large as a document may be (reload/config). */
const DOCUMENT_BYTES_MAX = 1 << 20
const ETAG_LENGTH_MAX = 256

/** Never rejects. */
export async function fetchDocument(
  place: HttpsPlace,
  etag: string | undefined,
  trust: HttpsTrust,
  random: Random,
): Promise<FetchOutcome> {
  try {
    const answer = await askHttps(
      place,
      {
        method: 'GET',
        headers: { accept: CONFIG_TYPE, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
        answerBytesMax: DOCUMENT_BYTES_MAX,
      },
      trust,
      random,
    )
    if (answer.status === 304) return { kind: 'unchanged' }
    if (answer.status !== 200) return failed(`the configuration server answered ${answer.status}`)
    const tag = answer.headers['etag']
    return { kind: 'document', bytes: answer.body, etag: usableEtag(tag) }
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}

function failed(reason: string): FetchOutcome {
  return { kind: 'failed', reason }
}

function usableEtag(tag: string | string[] | undefined): string | undefined {
  return typeof tag === 'string' && tag.length <= ETAG_LENGTH_MAX ? tag : undefined
}
