import type { z } from 'zod'
import type { Secret } from './secret.ts'

/** What may be stored and shown. A `Secret` is not Json, so it does not compile here. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** One effect on the outside, as the journal keeps it and the approver reads it. */
export interface Step {
  /** the author's word for it; `execute` and `rollback` switch on it */
  readonly kind: string
  /** the path or name it will touch */
  readonly target: string
  /** one plain sentence of its effect, for the approver */
  readonly summary: string
  readonly args: Json
  /** what stands there before the step, as far as people may see it: names, lengths, versions, a document; never the value of a secret */
  readonly before?: Json
  /** that access works from this step on, and no longer once it is undone: said by the last step of a plan that gives access, and by no other */
  readonly confersPower?: boolean
  /** kept encrypted until the run is done, of access until it is over; undoing must not need it */
  readonly sealed?: Secret
}

/** What one execution leaves behind for its undo. */
export interface StepRecord {
  /** what rollback needs and only execution could learn, such as a version number */
  readonly record?: Json
}

/** A step together with what its execution left; without a record it may not have happened, or not to its end. */
export type Journaled<S extends Step> = S & { readonly record?: Json | undefined }

/** A system as it names itself, fact by fact: where a fact differs, it is another system. No secret, and the same for every login. */
export type TargetIdentity = Readonly<Record<string, string>>

/** One question to the target and its answer. */
export interface Look {
  /** as the target's own log names it: `GET slots/apono-g-…` */
  readonly asked: string
  /** what the target answered to that, in a few words */
  readonly observed: string
  /** the id of that exchange: the target's own where its answer brought one, otherwise the broker's */
  readonly requestId?: string
  /** whose id that is */
  readonly requestIdBy?: 'target' | 'broker'
  /** the id that the broker sent along; the target's audit log may show it */
  readonly correlationId?: string
  /** when the target answered, RFC 3339 */
  readonly at: string
}

/** What was read back from the target. What was observed, the ids and the time are those of the one look that decided. */
export interface Evidence extends Omit<Look, 'asked'> {
  /** what was looked at: `slot apono-g-…` */
  readonly artefact: string
  /** whether the target is as it should be: done after `execute`, gone after `rollback` */
  readonly holds: boolean
  /** every look it rests on, in their order */
  readonly looks?: readonly Look[]
  /** whether the target's audit log shows the ids that the broker sends along; undefined when the broker may not see that */
  readonly correlationAudited?: boolean
  /** of a piece after an undo: the run never did anything to it, so there was nothing to put back */
  readonly wasUntouched?: boolean
  /** of a piece that is not gone and may stay: why it confers nothing, and who can remove it */
  readonly mayStay?: string
}

/** What an action is given in every call. It lives for one call; keep nothing of it. */
export interface RunContext<Client> {
  readonly client: Client
  /** `run_` and 26 characters of lower-case base32. Derive every name in the target from it: that is what makes calls repeatable. */
  readonly runId: string
  /** ten digits that mark what this installation of the broker creates */
  readonly instance: string
  /** when the access ends, for grants; stable during one attempt, moved by extension */
  readonly until?: Date
  /** milliseconds until then by the database's clock, which decides; negative when it is over. There where something is given, opened or extended */
  readonly msLeft?: () => number
  /** this step was begun before, and nobody knows what came of it */
  readonly again?: boolean
  /** a second look, before something is destroyed on account of it: no replica of the target that lags behind may answer */
  readonly firsthand?: boolean
  /** the id to send along with the next call that may change something, where the target can be sent one: the broker knows it before the call */
  readonly nextCallId?: () => string
  /** tell it of each such call, answered or not, with the ids under which the target's own log has it; the broker keeps them with the run */
  readonly noted?: (call: Look) => void
  /**
   * Writes down what a step has learned so far, as its record, in `execute` as in `rollback`: before what may fail or never be answered. The
   * next try finds it there, also after a crash. Throws `run.fenced` once this process may no longer act for the run.
   */
  readonly remember?: (record: Json) => Promise<void>
  /** aborted when the run is taken from this process or the broker shuts down */
  readonly signal: AbortSignal
  /** Throws `run.fenced` once this process may no longer act for the run. The client calls it right before each request. */
  readonly stillMine: () => void
}

/** What an action is done to, as discovery names it. */
export interface Concern {
  readonly type: string
  readonly name: string
}

export type Severity = 'low' | 'medium' | 'high'

/** What of one input makes it more or less dangerous than the action usually is. */
export interface Weight {
  /** instead of the action's */
  readonly severity?: Severity
  /** what of the input makes it so, a sentence each */
  readonly because: readonly string[]
  /** how many things it is done to, where they are many in one resource, such as versions */
  readonly parts?: number
}

interface ActionBase<Client, Input, S extends Step> {
  /** verb and noun, kebab case, unique within the plugin */
  readonly name: string
  readonly title: string
  readonly input: z.ZodType<Input>
  /** one sentence: what is different afterwards */
  readonly description?: string
  /** how much hangs on it, before anybody has looked at what it is done to; `medium` when left out */
  readonly severity?: Severity
  /** How much hangs on this input: it tells how risky it is, besides the tags of what it is done to. Asks nobody. */
  weigh?(input: Input): Weight
  /** Resources it is done to: their tags tell how risky it is, and access flows may name them. */
  concerns?(input: Input): readonly Concern[]
  /** What a person must type before it is done, because no undo exists and much hangs on it: usually the name of what it is done to. */
  mustType?(input: Input): string | undefined
  /** Names of what it changes that others may change as well: one run of an integration at a time has each of them. */
  writes?(input: Input): readonly string[]
  /** Reads, writes nothing. Throws what makes the input unfit for this target. */
  plan(ctx: RunContext<Client>, input: Input): Promise<S[]>
  /**
   * Of an action with an undo: whether there will be one once this is done, as things stand in the target now. Reads, writes nothing. What a
   * schedule has done is asked first; without it the broker trusts in the undo.
   */
  wayBack?(ctx: RunContext<Client>, input: Input): Promise<Outlook>
  /**
   * Performs one step. Performing it twice is the same as once; it may be called again after a crash in the middle, then with the record that
   * an earlier try remembered.
   */
  execute(ctx: RunContext<Client>, step: Journaled<S>): Promise<StepRecord>
  /** Reads the target: success is what was read back. */
  verify?(ctx: RunContext<Client>, steps: readonly Journaled<S>[]): Promise<Evidence[]>
}

/** A certificate that an undo would put back. */
export interface RestoredCertificate {
  /** SHA-256 of it, in lower-case hex */
  readonly fingerprint: string
  readonly subject: string
  /** RFC 3339 */
  readonly notAfter: string
}

/** Whether a run can be undone as things stand in the target now, and what undoing would restore. */
export interface Outlook {
  readonly isPossible: boolean
  /** why not, or what stands in doubt, in a sentence */
  readonly because?: string
  /** where it is not possible: what a person can do about that */
  readonly fix?: string
  /** when the target itself takes the way back away, RFC 3339 */
  readonly until?: string
  /** what would be there afterwards, a sentence for each thing; with the certificate where it is one, so that others may know more of it */
  readonly restores: readonly { readonly target: string; readonly summary: string; readonly certificate?: RestoredCertificate }[]
}

/** An action with an undo. */
export interface Reversible<Client, S extends Step> {
  /** Undoes one step. Succeeds when nothing is left to undo; `record` is undefined when execution may not have finished. */
  rollback(ctx: RunContext<Client>, step: S, record: Json | undefined): Promise<void>
  /** Reads the target, writes nothing. Without it the broker says that it will try. */
  outlook?(ctx: RunContext<Client>, steps: readonly Journaled<S>[]): Promise<Outlook>
  /** Reads the target: every piece that `execute` created is absent, and what it replaced is there again. What receipts are made of. */
  verifyGone?(ctx: RunContext<Client>, steps: readonly Journaled<S>[]): Promise<Evidence[]>
}

/** An action without one, and why: shown before anyone confirms. */
export interface Irreversible {
  readonly irreversible: string
}

/** A way a credential of this plugin reaches its grantee. */
export interface DeliveryKind {
  /** kebab case, unique within the plugin; stored with flows, requests and grants */
  readonly name: string
  readonly title: string
  /** `once`: the credential stands in the one answer; `wrapped`: the answer holds something that is exchanged for it, once */
  readonly shows: 'once' | 'wrapped'
}

/** Who enforces the end of the access: the target itself, broker dead or alive, or the broker's revocation alone. */
export type ExpiryGuarantee = 'server' | 'broker'

/** A credential on its way to the person's eyes. The broker hands it over once and keeps only `trace`. */
export interface Credential {
  /** the name of its kind */
  readonly delivery: string
  /** label → value, in the order to show them; each Secret is revealed in this one answer */
  readonly fields: readonly { readonly name: string; readonly label: string; readonly value: Secret | string }[]
  /** commands that make a shell ready to use it, with no secret in them but shell variables named after `fields` */
  readonly prepare: readonly string[]
  /** what to do then: commands that only read, and as comments those that need something of the reader's or change something */
  readonly usage: readonly string[]
  /** when the target ends it */
  readonly endsAt: Date
  /** when an unopened delivery becomes void */
  readonly collectBy?: Date
  /** what the broker keeps to find out later whether the delivery was opened; no secret */
  readonly trace: Json
}

/** `waiting`: not opened yet; `collected`: somebody opened it; `ended`: it is void; `unknown`: the target cannot tell. */
export type CredentialState = 'waiting' | 'collected' | 'ended' | 'unknown'

/** An action whose effect is that somebody has access until `ctx.until`. */
export interface GrantsAccess<Client, S extends Step> extends Reversible<Client, S> {
  readonly name: 'grant-access'
  /** every way there is; which of them an integration allows is for `Plugin.allowedDeliveries` to say */
  readonly deliveries: readonly DeliveryKind[]
  /**
   * Mints a credential now, for the caller's eyes, ending at `ctx.until` at the latest. Cuts whatever it minted before, but with
   * `keepFormer` leaves that to its own end. Provisioning alone leaves nobody able to get in.
   */
  open(
    ctx: RunContext<Client>,
    steps: readonly Journaled<S>[],
    delivery: string,
    options?: { readonly keepFormer: boolean },
  ): Promise<Credential>
  /** Moves the end the target enforces to `ctx.until`. Repeatable; a target that enforces none does nothing. */
  extend(ctx: RunContext<Client>, steps: readonly S[]): Promise<void>
  /** What no end of the access reaches, a sentence each: every receipt says it */
  readonly beyondTheEnd?: readonly string[]
  /** Whether a credential handed over earlier was collected. */
  inspect(ctx: RunContext<Client>, trace: Json): Promise<CredentialState>
  /**
   * What a plan would do more than, or other than, the one that was approved, in words for people; undefined when it does the same or less.
   * Without this every difference of kind, target or arguments counts. What was approved comes out of the database: compare what it means.
   */
  exceeds?(approved: readonly Step[], planned: readonly S[]): string | undefined
  /** What holds for grants made through this client now. */
  expiryGuarantee(client: Client, delivery: string): ExpiryGuarantee
}

export type Action<Client, Input, S extends Step> = ActionBase<Client, Input, S> & (Reversible<Client, S> | Irreversible)

export type GrantAccessAction<Client, Input, S extends Step = Step> = ActionBase<Client, Input, S> & GrantsAccess<Client, S>

// biome-ignore lint/suspicious/noExplicitAny: an action is held by code that does not know its input or steps
export type AnyAction<Client> = Action<Client, any, any>

export function isReversible<Client, S extends Step>(
  action: Reversible<Client, S> | Irreversible,
): action is Reversible<Client, S> {
  return 'rollback' in action
}
