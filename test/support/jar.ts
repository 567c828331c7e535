export interface Page {
  readonly status: number
  /** where the redirects led */
  readonly url: string
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects of the body
  readonly body: any
  readonly headers: Headers
}

interface Cookie {
  readonly value: string
  readonly path: string
  readonly host: string
}

const MOST_REDIRECTS = 15

/** A browser without a screen: keeps cookies for each host and port, and follows redirects. */
export class Jar {
  readonly cookies = new Map<string, Cookie>()

  get(url: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.go(url, { headers })
  }

  /** as a form of the page at the same origin does */
  submit(url: string, fields: Record<string, string>): Promise<Page> {
    return this.go(url, { method: 'POST', body: new URLSearchParams(fields), headers: { origin: new URL(url).origin } })
  }

  /** as a script of the broker's own page does */
  post(url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Page> {
    return this.go(url, {
      method: 'POST',
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: {
        origin: new URL(url).origin,
        'sec-fetch-site': 'same-origin',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    })
  }

  async go(url: string, init: RequestInit, redirects = MOST_REDIRECTS): Promise<Page> {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), ...this.cookieFor(new URL(url)) },
    })
    this.keep(response, new URL(url))
    const to = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && to !== null && redirects > 0) {
      await response.arrayBuffer()
      return this.go(new URL(to, url).href, {}, redirects - 1)
    }
    const text = await response.text()
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, url, text, body: isJson ? JSON.parse(text) : undefined, headers: response.headers }
  }

  /** One step, wherever it leads. */
  step(url: string): Promise<Page> {
    return this.go(url, {}, 0)
  }

  private cookieFor({ host, pathname }: URL): Record<string, string> {
    const fitting = [...this.cookies].filter(([, cookie]) => cookie.host === host && pathname.startsWith(cookie.path))
    if (fitting.length === 0) return {}
    return { cookie: fitting.map(([key, { value }]) => `${key.split('|')[0]}=${value}`).join('; ') }
  }

  private keep(response: Response, { host }: URL): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const [name = '', ...rest] = pair.split('=')
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
      const value = rest.join('=')
      const key = `${name}|${path}|${host}`
      if (value === '') this.cookies.delete(key)
      else this.cookies.set(key, { value, path, host })
    }
  }
}
