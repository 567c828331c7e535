import { rows, type Tx } from '../platform/postgres/database.ts'
import { type IntegrationEvent, integrationMachine } from './integration-machine.ts'

/** The only update of an integration's state: whether the event means anything is for the machine to say. */
export async function moveIntegration(tx: Tx, id: string, event: IntegrationEvent): Promise<void> {
  const { from, to } = integrationMachine.arrow(event)
  await rows(
    tx,
    `update integrations set state = $3, version = version + 1, changed_at = clock_timestamp() where id = $1 and state = any($2)`,
    [id, from, to],
  )
}
