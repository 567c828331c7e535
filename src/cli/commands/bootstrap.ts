import type { Command } from 'commander'
import type { Terminal } from '../main.ts'

/** The way in: the first admin's token, for a person who can read the daemon's database. */
export function bootstrap(program: Command, terminal: Terminal): void {
  program
    .command('bootstrap')
    .summary('create the first admin and print their token')
    .description(
      'Creates the first admin in the database of this installation and prints a token, once. Works while the daemon runs.',
    )
    .option('--name <name>', 'what the admin is called', 'admin')
    .option('--force-new-token', 'even though an admin has a token that works, because that one is lost')
    .action(async (options: { name: string; forceNewToken?: boolean }) => {
      const { firstAdmin } = await import('../../identity/people/first-admin.ts')
      const { withDatabase } = await import('../with-database.ts')
      const token = await withDatabase(terminal, { schema: true }, (database) =>
        database.transaction((tx) => firstAdmin(tx, { name: options.name, force: options.forceNewToken ?? false })),
      )
      terminal.tell(`A token for ${options.name}, good for 30 days. It is shown this once:`)
      terminal.print(token.reveal())
    })
}
