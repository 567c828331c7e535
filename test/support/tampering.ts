/** How many events the trail has that is tampered with. */
export const EVENTS = 3200

/** What somebody with every right might do to a trail: a statement and its values, for the event of a number and another one. */
type Ways = Readonly<Record<string, (seq: number, other: number, draw: (below: number) => number) => [string, unknown[]]>>

export const edits: Ways = {
  "an event's id": (seq) => [
    `with e as (update audit_events set id = id || 'x' where id = (select event_id from audit_chain where seq = $1) returning id)
     update audit_chain set event_id = e.id from e where seq = $1`,
    [seq],
  ],
  "an event's time": (seq, _, draw) => [ofEvent(`at = at + make_interval(secs => $2::float8 / 1000000)`), [seq, 1 + draw(5)]],
  "an event's time, to none": (seq) => [ofEvent(`at = 'infinity'`), [seq]],
  "an event's kind": (seq) => [ofEvent(`kind = kind || 's'`), [seq]],
  "an event's actor": (seq) => [ofEvent(`actor = 'broker'`), [seq]],
  "an event's subject": (seq) => [ofEvent(`subject = 'grt_999'`), [seq]],
  'what an event was done with': (seq) => [ofEvent(`done_with = coalesce(done_with, '') || '1'`), [seq]],
  'who made what an event was done with': (seq) => [ofEvent(`makers = coalesce(makers, '{}') || 'usr_c'::text`), [seq]],
  'where a call came from': (seq) => [ofEvent(`address = coalesce(address, '') || '1'`), [seq]],
  'a call away, or one to an event that had none': (seq) => [
    ofEvent(`done_with = case when done_with is null then 'tok_1' end, makers = null, address = null`),
    [seq],
  ],
  'a call into the data of its event, or data into a call': (seq) => [
    ofEvent(`body = case when address is null then '' else concat_ws(E'\\x1f', body, done_with, array_to_string(makers, ','), address) end,
      done_with = case when address is null then body end, makers = null, address = null`),
    [seq],
  ],
  "an event's data": (seq) => [ofEvent(`body = replace(body, 'note', 'nota')`), [seq]],
  "a boundary between an event's columns": (seq) => [
    ofEvent(`actor = actor || left(subject, 1), subject = substr(subject, 2)`),
    [seq],
  ],
  "a link's hash": (seq) => ['update audit_chain set hash = sha256(hash) where seq = $1', [seq]],
  "a link's event, to none": (seq) => [`update audit_chain set event_id = 'aud_none' where seq = $1`, [seq]],
  "a link's place": (seq) => [`update audit_chain set seq = seq + $2 where seq = $1`, [seq, EVENTS]],
  "a link's place, to before the first": (seq) => [`update audit_chain set seq = -seq where seq = $1`, [seq]],
  'an event and its link, and every hash from there to the next': (seq) => [
    `with e as (update audit_events set actor = 'broker' where id = (select event_id from audit_chain where seq = $1) returning *)
     update audit_chain c set hash = sha256(coalesce((select hash from audit_chain where seq = $1 - 1), sha256('latchkey')) || convert_to(concat_ws(E'\\x1f', c.seq, e.id,
       (extract(epoch from e.at) * 1000000)::bigint, e.kind, e.actor, e.subject, e.body), 'UTF8')) from e where c.seq = $1`,
    [seq],
  ],
}
export const deletions: Ways = {
  'an event': (seq) => ['delete from audit_events where id = (select event_id from audit_chain where seq = $1)', [seq]],
  'a link': (seq) => ['delete from audit_chain where seq = $1', [seq]],
  'an event and its link': (seq) => [
    `with l as (delete from audit_chain where seq = $1 returning event_id) delete from audit_events using l where id = event_id`,
    [seq],
  ],
  'an event, closing the gap': (seq) => [
    `with l as (delete from audit_chain where seq = $1 returning event_id), e as (delete from audit_events using l where id = event_id)
     update audit_chain set seq = -seq where seq > $1`,
    [seq],
  ],
  'everything from a link on': (seq) => [
    `with l as (delete from audit_chain where seq >= $1 returning event_id) delete from audit_events using l where id = event_id`,
    [seq],
  ],
}
export const insertions: Ways = {
  'an event without a link': () => [
    `insert into audit_events (id, kind, actor, subject, body) values ('aud_x', 'a.b', 'c', 'd', '{}')`,
    [],
  ],
  'an event with a link of its own beyond the end': () => [
    `with e as (insert into audit_events (id, kind, actor, subject, body) values ('aud_x', 'a.b', 'c', 'd', '{}'))
     insert into audit_chain (seq, event_id, hash) select seq + 1, 'aud_x', sha256(hash) from audit_head`,
    [],
  ],
}
export const moves: Ways = {
  'two events': (seq, other) => [
    `update audit_chain c set event_id = o.event_id from audit_chain o where (c.seq, o.seq) in (($1::int, $2::int), ($2::int, $1::int))`,
    [seq, other],
  ],
  'two links': (seq, other) => [
    `update audit_chain c set event_id = o.event_id, hash = o.hash from audit_chain o
     where (c.seq, o.seq) in (($1::int, $2::int), ($2::int, $1::int))`,
    [seq, other],
  ],
  'two moments': (seq, other) => [
    `update audit_events e set at = o.at from audit_events o, audit_chain c, audit_chain d where c.event_id = e.id and d.event_id = o.id
     and (c.seq, d.seq) in (($1::int, $2::int), ($2::int, $1::int))`,
    [seq, other],
  ],
}
export const heads: Ways = {
  "the head's number": () => ['update audit_head set seq = seq + 1', []],
  "the head's number, down": () => ['update audit_head set seq = seq - 1', []],
  "the head's hash": () => ['update audit_head set hash = sha256(hash)', []],
  'the head away': () => ['delete from audit_head', []],
}

function ofEvent(change: string): string {
  return `update audit_events set ${change} where id = (select event_id from audit_chain where seq = $1)`
}
