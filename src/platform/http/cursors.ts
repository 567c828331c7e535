import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import type { Page } from '../../contract/lists.ts'
import { BrokerError } from '../../sdk/index.ts'

/** Where a list goes on: the place of its last item in the order, under the name of that list. */
export interface CursorKind<Position> {
  readonly list: string
  readonly position: z.ZodType<Position>
}

const TAG_BYTES = 16
/** A name of 2000 bytes, each of which JSON may write as six, and more beside it than there ever is. */
const LONGEST_POSITION_BYTES = 16_384

/** Makes `next` and reads it back. Its caller can neither make one nor use one in another list. */
export class Cursors {
  readonly #key: Buffer

  /** @param key of the installation; all its replicas have the same */
  constructor(key: Buffer) {
    this.#key = Buffer.from(hkdfSync('sha256', key, '', 'latchkey cursors', 32))
  }

  /** The position; undefined when the list is to start at its beginning. */
  read<Position>(kind: CursorKind<Position>, cursor: string | undefined): Position | undefined {
    if (cursor === undefined) return undefined
    const [body = '', tag = '', ...more] = cursor.split('.')
    const expected = this.#tag(kind.list, body)
    const given = Buffer.from(tag, 'base64url')
    if (more.length > 0 || given.length !== TAG_BYTES || !timingSafeEqual(given, expected)) throw notOurs()
    const position = kind.position.safeParse(unpacked(body))
    if (!position.success) throw notOurs()
    return position.data
  }

  /** A page of rows fetched with `limit + 1`: the one too many only tells that there is a next page. */
  page<Row, Item, Position>(
    kind: CursorKind<Position>,
    rows: readonly Row[],
    limit: number,
    positionOf: (row: Row) => Position,
    view: (row: Row) => Item,
  ): Page<Item> {
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    return { items: shown.map(view), next: last === undefined ? null : this.#write(kind, positionOf(last)) }
  }

  #write<Position>(kind: CursorKind<Position>, position: Position): string {
    // Packed, because JSON writes some characters of a name as six.
    const body = deflateRawSync(JSON.stringify(position)).toString('base64url')
    return `${body}.${this.#tag(kind.list, body).toString('base64url')}`
  }

  #tag(list: string, body: string): Buffer {
    return createHmac('sha256', this.#key).update(`${list}\n${body}`).digest().subarray(0, TAG_BYTES)
  }
}

/** Undefined for what an earlier version wrote. */
function unpacked(body: string): unknown {
  try {
    return JSON.parse(
      inflateRawSync(Buffer.from(body, 'base64url'), { maxOutputLength: LONGEST_POSITION_BYTES }).toString('utf8'),
    )
  } catch {
    return undefined
  }
}

function notOurs(): BrokerError {
  return new BrokerError('input.invalid', 'is not a cursor of this list', {
    field: 'cursor',
    fix: 'send `next` of the page before unchanged, or leave the cursor out to start from the beginning',
  })
}
