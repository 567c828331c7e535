/** The audit trail of the first release. */
export const TRAIL = `
create table audit_events (
  id text primary key,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  actor text not null,
  subject text not null,
  body text not null
);
create index audit_events_by_subject on audit_events (subject, at);
create index audit_events_by_actor on audit_events (actor, at);

create table audit_chain (
  seq bigint primary key,
  event_id text not null constraint audit_chain_links_once unique constraint audit_chain_links_events references audit_events (id),
  hash bytea not null
);

create table audit_head (
  only_row boolean primary key default true constraint audit_head_is_one check (only_row),
  seq bigint not null,
  hash bytea not null
);
insert into audit_head (seq, hash) values (0, sha256('latchkey'));

-- The link is made inside COMMIT, so no client can sit between taking the head and letting it go.
create function audit_link() returns trigger language plpgsql as $$
declare
  head audit_head;
begin
  select * into head from audit_head for update;
  head.seq := head.seq + 1;
  head.hash := sha256(head.hash || convert_to(concat_ws(E'\\x1f', head.seq, new.id,
    (extract(epoch from new.at) * 1000000)::bigint, new.kind, new.actor, new.subject, new.body), 'UTF8'));
  insert into audit_chain (seq, event_id, hash) values (head.seq, new.id, head.hash);
  update audit_head set seq = head.seq, hash = head.hash;
  return null;
end
$$;
create constraint trigger audit_events_are_chained after insert on audit_events
  deferrable initially deferred for each row execute function audit_link();

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is append-only' using errcode = 'restrict_violation';
end
$$;
create trigger audit_events_stay before update or delete or truncate on audit_events
  for each statement execute function audit_is_append_only();
create trigger audit_chain_stays before update or delete or truncate on audit_chain
  for each statement execute function audit_is_append_only();
`
