import type { ReactNode } from 'react'

interface Given {
  readonly facts: Readonly<Record<string, ReactNode>>
  /** further ones, under names that are not ours and may be the same */
  readonly children?: ReactNode
}

/** What is known of one thing, line by line; what is not known has no line. */
export function Facts({ facts, children }: Given) {
  return (
    <dl className="lk-facts">
      {Object.entries(facts)
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      {children}
    </dl>
  )
}

export function Fact({ name, children }: { readonly name: ReactNode; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
