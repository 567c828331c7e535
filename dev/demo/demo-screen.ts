const WIDTH = 80
const MARGIN = 4

/** What the audience sees: chapters, steps, and proofs that held or did not. */
export class Screen {
  private readonly paint: (style: Style, text: string) => string
  private counted = ''
  private server = 'Vault'
  private isClosed = false
  held = 0
  failed = 0

  constructor(
    private readonly out: NodeJS.WriteStream,
    env: NodeJS.ProcessEnv,
  ) {
    const isColourful = out.isTTY && !env['NO_COLOR']
    this.paint = (style, text) => (isColourful ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text)
  }

  /** The chapters are written for a Vault; what they say of it is said of the server that is there. */
  of(server: 'Vault' | 'OpenBao'): void {
    this.server = server
  }

  title(text: string): void {
    this.line(`\n  ${this.paint('bold', text)}`)
  }

  chapter(text: string): void {
    const words = this.named(text)
    this.line(`\n  ${this.paint('blue', `── ${words} ${'─'.repeat(Math.max(3, WIDTH - words.length - 6))}`)}`)
  }

  /** `answer` is what was observed; it stands at the right where there is room. */
  proof(what: string, holds: boolean, answer = ''): void {
    const claim = this.named(what)
    const observed = this.named(answer)
    if (holds) this.held += 1
    else this.failed += 1
    const mark = holds ? this.paint('green', '✓') : this.paint('red', '✗')
    const words = holds ? claim : this.paint('red', claim)
    const room = WIDTH - MARGIN - claim.length - observed.length
    const fits = room >= 2 && observed !== ''
    this.line(`  ${mark} ${words}${fits ? ' '.repeat(room) + this.paint('dim', observed) : ''}`)
    if (!fits && observed !== '') this.note(observed)
  }

  note(...lines: readonly string[]): void {
    for (const line of lines.flatMap((text) => wrapped(this.named(text)))) this.line(' '.repeat(MARGIN) + this.paint('dim', line))
  }

  fact(name: string, value: string): void {
    this.line(`    ${this.paint('dim', name.padEnd(12))} ${value}`)
  }

  /** A line that is written over until something else is said; nothing where there is no terminal. */
  count(text: string): void {
    if (!this.out.isTTY || this.isClosed) return
    if (text === this.counted) return
    this.counted = text
    this.out.write(`\r\u001b[K    ${this.paint('yellow', text)}`)
  }

  verdict(seconds: number): void {
    const all = this.held + this.failed
    const words =
      this.failed === 0
        ? `All ${all} proofs held, in ${seconds} s.`
        : `${this.failed} of ${all} proofs did not hold, after ${seconds} s.`
    this.line(`\n  ${this.paint(this.failed === 0 ? 'green' : 'red', words)}\n`)
  }

  /** What is under way may still speak, and is not heard any more. */
  close(): void {
    this.isClosed = true
  }

  private named(text: string): string {
    return this.server === 'Vault' ? text : text.replaceAll('Vault', this.server)
  }

  line(text: string): void {
    if (this.isClosed) return
    if (this.counted !== '') this.out.write('\r\u001b[K')
    this.counted = ''
    this.out.write(`${text}\n`)
  }
}

function wrapped(text: string): string[] {
  const last = text.lastIndexOf(' ', WIDTH - MARGIN)
  return text.length <= WIDTH - MARGIN || last <= 0 ? [text] : [text.slice(0, last), ...wrapped(text.slice(last + 1))]
}

const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', blue: '1;36' }
type Style = keyof typeof STYLES
