import type { Command } from 'commander'
import type { Terminal } from '../terminal.ts'

/** The way in: the first admin's token, for a person who can read the daemon's database. */
export function bootstrap(program: Command, terminal: Terminal): void {
  program
    .command('bootstrap')
    .summary('create the first admin and print their token')
    .description(
      'Creates the first admin in the database of this installation and prints a token, once. Works while the daemon runs.',
    )
    .option('--name <name>', 'name of the admin', 'admin')
    .option('--force-new-token', 'make a token although an admin has one that works (use it when that token is lost)')
    .action(async (options: { name: string; forceNewToken?: boolean }) => {
      const { firstAdmin } = await import('../../identity/people/first-admin.ts')
      const { withDatabase } = await import('../with-database.ts')
      const token = await withDatabase(terminal, { schema: true }, (database) =>
        database.transaction((tx) => firstAdmin(tx, { name: options.name, force: options.forceNewToken ?? false })),
      )
      terminal.tell(`A token for ${options.name}. It works for 30 days and is shown only once:`)
      terminal.print(token.reveal())
    })
}
