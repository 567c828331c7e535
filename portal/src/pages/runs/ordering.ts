import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef } from 'react'
import { runs } from '../../../../src/contract/endpoints/runs.ts'
import { api } from '../../data/api.ts'
import { workKeys } from '../../data/work.ts'

type Order = Omit<Parameters<typeof api.call<typeof runs.order>>[1]['body'], 'idempotencyKey'>

/** Orders, and goes to the run. The same order sent once more, because its answer was lost, is the same order. */
export function useOrder(): (order: Order, forget: () => void) => Promise<void> {
  const client = useQueryClient()
  const navigate = useNavigate()
  const last = useRef({ text: '', key: '' })
  return async (order, forget) => {
    const text = JSON.stringify(order)
    if (last.current.text !== text) last.current = { text, key: freshKey() }
    const { id } = await api.call(runs.order, { body: { ...order, idempotencyKey: last.current.key } })
    forget()
    await client.invalidateQueries({ queryKey: workKeys.runs })
    await navigate({ to: '/runs/$id', params: { id }, replace: true })
  }
}

// A page that is served over plain http has no randomUUID.
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
