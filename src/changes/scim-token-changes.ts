import { Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import {
  type HeldScimToken,
  type MintedScimToken,
  type NewScimToken,
  newScimToken,
  type ScimTokenRotation,
  type ScimTokenView,
  scimTokenRotation,
} from '../contract/scim-tokens.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { ScimTokens } from '../identity/scim/scim-tokens.service.ts'
import { hashOf, randomToken } from '../identity/tokens/api-token.ts'
import { Database } from '../platform/postgres/database.ts'
import type { ChangeKind } from './change-kind.ts'
import { FourEyes } from './four-eyes.ts'
import { Held } from './held.ts'

// The token is told to its proposer and works from the moment it is accepted: until then there is its hash, and nobody keeps more.
const unkept = { hash: z.string(), makers: z.array(z.string()), parentId: z.string().nullable().default(null) }
const creation = z.strictObject({ ...newScimToken.shape, ...unkept })
const rotation = z.strictObject({ ...scimTokenRotation.shape, ...unkept })
type Creation = z.infer<typeof creation>
type Rotation = z.infer<typeof rotation>

/** The holder of a SCIM token says who is here and in which groups: making one is a change that may need a second person. */
@Injectable()
export class ScimTokenChanges implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly tokens: ScimTokens,
    private readonly fourEyes: FourEyes,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.fourEyes.register(this.rotating)
  }

  create(caller: Caller, wanted: NewScimToken): Promise<MintedScimToken | Held> {
    return handed(caller, (made) => this.fourEyes.submit(caller, this.creating, null, { ...wanted, ...made }))
  }

  /** A new token of the same name. The old one works on for a while, so that its users can change over. */
  rotate(caller: Caller, tokenId: string, wanted: ScimTokenRotation): Promise<MintedScimToken | Held> {
    return handed(caller, (made) => this.fourEyes.submit(caller, this.rotating, tokenId, { ...wanted, ...made }))
  }

  private readonly creating: ChangeKind<Creation, ScimTokenView> = {
    kind: 'scim_token.create',
    roles: ['admin'],
    parse: (body) => creation.parse(body),
    summary: async (_, { name, expiresInSeconds }) => ({ name, expiresInSeconds }),
    prepare: async (by, _, wanted) => ({ write: (tx) => this.tokens.keep(tx, by, wanted) }),
  }

  private readonly rotating: ChangeKind<Rotation, ScimTokenView> = {
    kind: 'scim_token.rotate',
    roles: ['admin'],
    parse: (body) => rotation.parse(body),
    summary: async (id, { expiresInSeconds, overlapSeconds }) => {
      const { name } = await this.tokens.live(this.database.pool, id!)
      return { name, expiresInSeconds, overlapSeconds }
    },
    base: async (tx, id) => {
      const { name, expiresAt } = await this.tokens.live(tx, id)
      return { shown: { name, expiresAt } }
    },
    prepare: async (by, id, wanted) => ({ write: (tx) => this.tokens.replace(tx, by, id!, wanted) }),
  }
}

async function handed(
  { id, tokenId, tokenMakers }: Caller,
  submit: (made: { hash: string; makers: string[]; parentId: string | null }) => Promise<ScimTokenView | Held>,
): Promise<MintedScimToken | Held> {
  const token = randomToken('lks')
  const answer = await submit({ hash: hashOf(token.reveal()), makers: [...new Set([...tokenMakers, id])], parentId: tokenId })
  const shown = { token: token.reveal() }
  if (!(answer instanceof Held)) return { ...answer, ...shown }
  const held: HeldScimToken = { ...answer.proposal, ...shown }
  return new Held(held)
}
