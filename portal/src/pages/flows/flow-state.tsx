import { Said } from '../../parts/state.tsx'
import { flows as words } from '../../words-for-flows.ts'

export function FlowState({ active }: { readonly active: boolean }) {
  return active ? <Said mood="good">{words.on}</Said> : <Said mood="calm">{words.off}</Said>
}
