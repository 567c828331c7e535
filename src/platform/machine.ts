/** What may follow what: state → event → state. The database has a CHECK made of the same states. */
export type Arrows<State extends string, Event extends string, To extends State = State> = Readonly<
  Record<State, Partial<Record<Event, To>>>
>

export interface Machine<State extends string, Event extends string, To extends State = State> {
  readonly states: readonly State[]
  /** undefined when the event means nothing in this state */
  next(state: State, event: Event): To | undefined
  isFinal(state: State): boolean
  /** from which states an event leads on, and to which; a `TypeError` for one that leads to several */
  arrow(event: Event): { readonly from: readonly State[]; readonly to: To }
  readonly arrows: Arrows<State, Event, To>
}

/** Makes a machine of a table; a table with an arrow to nowhere does not get past the start. `Begin` names states no arrow leads to. */
export function machine<State extends string, Event extends string, Begin extends State = never>(
  arrows: Arrows<State, Event, Exclude<State, Begin>>,
): Machine<State, Event, Exclude<State, Begin>> {
  const states = Object.keys(arrows) as State[]
  for (const [state, row] of Object.entries<Partial<Record<Event, State>>>(arrows)) {
    for (const [event, to] of Object.entries<State | undefined>(row)) {
      if (!to || !states.includes(to)) throw new TypeError(`${state} --${event}--> ${to}: no such state`)
    }
  }
  return {
    states,
    arrows,
    next: (state, event) => arrows[state][event],
    arrow(event) {
      const from = states.filter((state) => arrows[state][event])
      const [to, ...others] = new Set(from.map((state) => arrows[state][event]!))
      if (!to || others.length > 0) throw new TypeError(`${event} leads to ${others.length + (to ? 1 : 0)} states`)
      return { from, to }
    },
    isFinal: (state) => Object.keys(arrows[state]).length === 0,
  }
}
