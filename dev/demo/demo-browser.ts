import { request } from 'undici'

interface Answer {
  readonly status: number
  /** where the redirects led */
  readonly url: string
  readonly text: string
}

const MOST_REDIRECTS = 15

/** What a browser does when somebody signs in: follows redirects, keeps cookies for each site, and posts forms. */
export class DemoBrowser {
  private readonly cookies = new Map<string, Map<string, string>>()
  /** every address it was sent to */
  readonly visited: string[] = []

  get(url: string): Promise<Answer> {
    return this.go('GET', url)
  }

  submit(url: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
    return this.go('POST', url, new URLSearchParams(fields).toString())
  }

  cookieFor(url: string): string {
    return [...(this.cookies.get(new URL(url).host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  private async go(method: 'GET' | 'POST', url: string, form?: string, redirects = MOST_REDIRECTS): Promise<Answer> {
    this.visited.push(url)
    const { statusCode, headers, body } = await request(url, {
      method,
      headers: {
        cookie: this.cookieFor(url),
        ...(form === undefined ? {} : { origin: new URL(url).origin, 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: form ?? null,
    })
    this.keep(url, [headers['set-cookie'] ?? []].flat())
    const text = await body.text()
    const to = [headers['location']].flat()[0]
    if (to === undefined || redirects === 0) return { status: statusCode, url, text }
    return this.go('GET', new URL(to, url).href, undefined, redirects - 1)
  }

  private keep(url: string, lines: readonly string[]): void {
    const { host } = new URL(url)
    const jar = this.cookies.get(host) ?? new Map<string, string>()
    this.cookies.set(host, jar)
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
  }
}
