import { z } from 'zod'

/** Lists in the order of their ids, which is the order of their making. */
export const byId = (list: string) => ({ list, position: z.string() })
