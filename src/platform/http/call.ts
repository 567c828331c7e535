import { AsyncLocalStorage } from 'node:async_hooks'
import { isIP } from 'node:net'
import type { NextFunction, Request, Response } from 'express'

/** The call that is being answered, as far as the trail tells where an act came from. */
interface Call {
  readonly address: string | undefined
  who?: string
  doneWith?: string
  makers?: readonly string[]
}

const current = new AsyncLocalStorage<Call>()

/** From here on everything recorded for this request has its caller's address: the one that the trusted proxies name, if it is one. */
export function calls({ ip = '' }: Request, _response: Response, next: NextFunction): void {
  current.run({ address: isIP(ip) === 0 ? undefined : ip }, next)
}

/** Who calls has been recognised: from here on everything recorded says what it was done with, and who made that. */
export function calledWith(who: string, doneWith: string, makers: readonly string[]): void {
  const call = current.getStore()
  if (!call) return
  call.who = who
  call.doneWith = doneWith
  call.makers = makers
}

/** For log lines: where the call being answered came from, and whose it is once that is known. */
export function currentCaller(): { readonly who?: string; readonly address?: string } {
  const { who, address } = current.getStore() ?? {}
  return { who, address }
}

/** Of the call being answered; nothing in work nobody waits for. */
export function currentCall(): { doneWith: string | null; makers: readonly string[] | null; address: string | null } {
  const { doneWith = null, makers = [], address = null } = current.getStore() ?? {}
  return { doneWith, makers: makers.length > 0 ? makers : null, address }
}
