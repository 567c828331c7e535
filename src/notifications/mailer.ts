import { Inject, Injectable } from '@nestjs/common'
import { createTransport } from 'nodemailer'
import type { Config } from '../config/config.ts'
import { isThisMachine } from '../config/smtp-server.ts'
import { emailAddress } from '../contract/email.ts'
import { TLS_SIGNATURES } from '../platform/http/tls-signatures.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { BrokerError } from '../sdk/index.ts'
import { inHeader, inOneLine, type Letter } from './letter.ts'

const PATIENCE_MS = 10_000

export interface Posted {
  /** the notification's: the same at every attempt */
  readonly id: string
  /** what mail programs show together: the request */
  readonly thread: string
  readonly to: { readonly name: string; readonly address: string }
  readonly letter: Letter
}

/** Hands e-mail to the configured server. */
@Injectable()
export class Mailer {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Returns once the server has taken the letter upon itself. */
  async post({ id, thread, to, letter }: Posted): Promise<void> {
    const { smtp } = this.config
    if (!smtp) throw new BrokerError('unavailable', 'no mail server is configured', { fix: 'set LATCHKEY_SMTP_URL' })
    if (!emailAddress.safeParse(to.address).success) {
      throw new BrokerError('input.invalid', 'the person’s address is not an e-mail address')
    }
    const { host, port, secure, login, from } = smtp
    const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
    const transport = createTransport({
      host,
      port,
      secure,
      // A password is for the server alone, whatever else may travel in the clear.
      requireTLS: (smtp.mayBePlain !== true || login !== undefined) && !isThisMachine(smtp),
      auth: login && { user: login.user, pass: login.password.reveal() },
      connectionTimeout: PATIENCE_MS,
      greetingTimeout: PATIENCE_MS,
      socketTimeout: PATIENCE_MS,
      tls: { sigalgs: TLS_SIGNATURES },
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    try {
      await transport.sendMail({
        from,
        to: { name: inHeader(to.name, 100), address: to.address },
        envelope: { from: from.address, to: to.address },
        messageId: `<${id}@${domain}>`,
        references: `<${thread}@${domain}>`,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        // Nobody's absence notice is to answer a machine (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      })
    } catch (error) {
      throw refusal(host, error)
    } finally {
      transport.close()
    }
  }
}

interface SmtpFault {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
}

function refusal(host: string, cause: unknown): BrokerError {
  const { code, command = 'a command', responseCode, response = '' } = (cause ?? {}) as SmtpFault
  if (code === 'EAUTH') {
    // What a server says to a wrong password may repeat it.
    return new BrokerError('target.login_failed', `${host} refused the login (${responseCode ?? 'no reason'})`, {
      fix: 'correct user and password in LATCHKEY_SMTP_URL',
    })
  }
  if (responseCode !== undefined) {
    return new BrokerError(
      'target.failed',
      `${host} answered ${command} with: ${inOneLine(response || String(responseCode), 200)}`,
    )
  }
  return new BrokerError('target.unreachable', `${host} could not be reached (${code ?? 'no answer'})`, { cause })
}
