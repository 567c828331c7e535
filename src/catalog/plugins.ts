import { vault } from '../../plugins/vault/index.ts'
import type { AnyPlugin } from '../sdk/index.ts'

/** What this daemon can be connected to. The one place where the core meets plugins. */
export const plugins: readonly AnyPlugin[] = [vault]
