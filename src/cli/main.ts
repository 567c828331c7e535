import { Command, CommanderError } from 'commander'
import { VERSION } from '../platform/installation/version.ts'
import { actions } from './commands/actions.ts'
import { api } from './commands/api.ts'
import { approve } from './commands/approve.ts'
import { audit } from './commands/audit.ts'
import { bootstrap } from './commands/bootstrap.ts'
import { cancel } from './commands/cancel.ts'
import { addCertificateSource, certificateSources } from './commands/certificate-sources.ts'
import { addCertificate, certificates } from './commands/certificates.ts'
import { check } from './commands/check.ts'
import { distribute, distributions, targets } from './commands/distribute.ts'
import { doctor } from './commands/doctor.ts'
import { endAccess } from './commands/end-access.ts'
import { extend } from './commands/extend.ts'
import { giveBack } from './commands/give-back.ts'
import { grants } from './commands/grants.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { open } from './commands/open.ts'
import { policy } from './commands/policy.ts'
import { receipt } from './commands/receipt.ts'
import { reject } from './commands/reject.ts'
import { report } from './commands/report.ts'
import { request } from './commands/request.ts'
import { requests } from './commands/requests.ts'
import { revoke } from './commands/revoke.ts'
import { rollback } from './commands/rollback.ts'
import { rotate } from './commands/rotate.ts'
import { rotations } from './commands/rotations.ts'
import { runAction } from './commands/run-action.ts'
import { runs } from './commands/runs.ts'
import { search } from './commands/search.ts'
import { sync } from './commands/sync.ts'
import { writeOff } from './commands/write-off.ts'
import type { Terminal } from './terminal.ts'

// One file each. A command imports what it needs when it is used, so that every other starts at once.
const COMMANDS = [
  login,
  logout,
  search,
  request,
  requests,
  approve,
  reject,
  grants,
  open,
  extend,
  giveBack,
  report,
  revoke,
  endAccess,
  writeOff,
  receipt,
  actions,
  runAction,
  runs,
  rollback,
  cancel,
  rotations,
  rotate,
  certificates,
  addCertificate,
  certificateSources,
  addCertificateSource,
  targets,
  distribute,
  distributions,
  policy,
  check,
  doctor,
  sync,
  audit,
  api,
  bootstrap,
]

/** Runs one command line and says with which code the process should end. */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('latchkey').description('Latchkey lends access to secrets and keys for a time, and takes it back.')
  program.version(VERSION, '-V, --version', 'display the version of this command line')
  program.configureOutput({
    writeOut: (text) => terminal.print(text.trimEnd()),
    writeErr: (text) => terminal.tell(text.trimEnd()),
  })
  program.exitOverride().showHelpAfterError()
  for (const add of COMMANDS) add(program, terminal)
  try {
    await program.parseAsync([...words], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { lastWords } = await import('../last-words.ts')
    const { words: last, exitCode } = lastWords(error)
    terminal.tell(last)
    return exitCode
  }
}
