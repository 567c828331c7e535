import type { MigrationInterface, QueryRunner } from 'typeorm'

// Every act keeps its hands: ids of everybody whose doing it may be, and what the identity provider calls them. Of two acts that must be
// two people's the hands may not meet. The audit trail keeps what an act was done with and where the call came from.
const UP = `
-- An id can be shed by leaving and being made again; what the provider calls somebody cannot, so it is never deleted.
create table person_marks (
  user_id text not null constraint person_marks_of_a_user references users (id) on delete cascade,
  mark text not null,
  primary key (user_id, mark)
);
create index person_marks_by_mark on person_marks (mark);

create function identity_mark(issuer text, subject text) returns text language sql immutable as $$
  select 'identity ' || jsonb_build_array(issuer, subject)::text
$$;
create function external_id_mark(external_id text) returns text language sql immutable as $$
  select 'external_id ' || to_jsonb(external_id)::text
$$;
create function remember_identity() returns trigger language plpgsql as $$
begin
  insert into person_marks (user_id, mark) values (new.user_id, identity_mark(new.issuer, new.subject)) on conflict do nothing;
  return null;
end
$$;
create trigger identities_are_remembered after insert or update on identities
  for each row execute function remember_identity();
create function remember_external_id() returns trigger language plpgsql as $$
begin
  insert into person_marks (user_id, mark) values (new.id, external_id_mark(new.external_id)) on conflict do nothing;
  return null;
end
$$;
create trigger external_ids_are_remembered after insert or update of external_id on users
  for each row when (new.external_id is not null) execute function remember_external_id();
insert into person_marks (user_id, mark) select user_id, identity_mark(issuer, subject) from identities;
insert into person_marks (user_id, mark)
  select id, external_id_mark(coalesce(external_id, scim->>'externalId')) from users
  where coalesce(external_id, scim->>'externalId') is not null;

-- A user name is given to somebody else one day, so only the one that somebody has, or had last, is theirs.
create function hands_of(people text[]) returns text[] language sql stable as $$
  select coalesce(array_agg(distinct hand order by hand), '{}') from (
    select unnest(people)
    union all select mark from person_marks where user_id = any(people)
    union all select 'user_name ' || to_jsonb(lower(coalesce(user_name, scim->>'userName')))::text from users where id = any(people)
  ) as found (hand) where hand is not null
$$;

update api_tokens set makers = array_remove(makers, 'broker') where 'broker' = any(makers);
alter table scim_tokens add column makers text[] not null default '{}';
update scim_tokens set makers = array[created_by] where created_by like 'usr\\_%';

alter table access_requests add column hands text[] not null default '{}', add column done_with text;
update access_requests set token_makers = array_remove(token_makers, 'broker') where 'broker' = any(token_makers);
update access_requests set hands = hands_of(token_makers || requester_id);

alter table approvals add column hands text[] not null default '{}', add column done_with text;
update approvals set hands = hands_of(array[approver_id]);

alter table openings add column hands text[] not null default '{}', add column done_with text;
update openings set hands = hands_of(array[opened_by]);

alter table grants add column ended_hands text[], add column ended_with text;

alter table emergency_reviews
  add column hands text[] not null default '{}',
  add column closed_hands text[],
  add column closed_with text;
-- What is decided already was judged by the rules of its time.
update emergency_reviews e set
  hands = case when closed_by is null then (select hands from access_requests where id = request_id) else array[requester_id] end,
  closed_hands = case when closed_by is not null then array[closed_by] end;

alter table proposals
  add column hands text[] not null default '{}',
  add column done_with text,
  add column decided_hands text[],
  add column decided_with text;
update proposals set token_makers = array_remove(token_makers, 'broker') where 'broker' = any(token_makers);
update proposals set
  hands = case when decided_by is null then hands_of(token_makers || proposer_id) else array[proposer_id] end,
  decided_hands = case when decided_by is not null then array[decided_by] end;
alter table proposals drop constraint proposals_kind_known;
alter table proposals add constraint proposals_kind_known
  check (kind in ('flow.create', 'flow.change', 'integration.create', 'integration.change', 'integration.own', 'integration.remove',
    'scim_token.create', 'scim_token.rotate'));

-- A daemon of the release before says less: then the person and the makers it says are the hands.
create function requests_have_hands() returns trigger language plpgsql as $$
begin
  if new.hands = '{}' then new.hands := hands_of(new.token_makers || new.requester_id); end if;
  return new;
end
$$;
create trigger access_requests_have_hands before insert on access_requests for each row execute function requests_have_hands();

create function approvals_have_hands() returns trigger language plpgsql as $$
begin
  if new.hands = '{}' then new.hands := hands_of(array[new.approver_id]); end if;
  if exists (select from access_requests q where q.id = new.request_id and q.hands && new.hands) then
    raise exception 'an approval is by the hand that made the request'
      using errcode = 'check_violation', constraint = 'approvals_by_another_hand_than_the_request', table = 'approvals';
  end if;
  if new.decision = 'approve' and exists (
    select from approvals a where a.request_id = new.request_id and a.stage = new.stage and a.decision = 'approve' and a.hands && new.hands) then
    raise exception 'two approvals of a stage are by one hand'
      using errcode = 'check_violation', constraint = 'approvals_by_hands_of_their_own', table = 'approvals';
  end if;
  return new;
end
$$;
create trigger approvals_have_hands before insert on approvals for each row execute function approvals_have_hands();

create function openings_have_hands() returns trigger language plpgsql as $$
begin
  if new.hands = '{}' then new.hands := hands_of(array[new.opened_by]); end if;
  if exists (
    select from grants g join access_requests q on q.id = g.request_id or q.extends_grant_id = g.id
      join approvals a on a.request_id = q.id
    where g.id = new.grant_id and a.decision = 'approve' and a.hands && new.hands) then
    raise exception 'a grant is opened by a hand that approved it'
      using errcode = 'check_violation', constraint = 'openings_by_another_hand_than_the_approvals', table = 'openings';
  end if;
  return new;
end
$$;
create trigger openings_have_hands before insert on openings for each row execute function openings_have_hands();

create function reviews_have_hands() returns trigger language plpgsql as $$
begin
  if new.hands = '{}' then select hands into new.hands from access_requests where id = new.request_id; end if;
  if new.closed_by is not null and new.closed_hands is null then new.closed_hands := hands_of(array[new.closed_by]); end if;
  return new;
end
$$;
create trigger emergency_reviews_have_hands before insert or update on emergency_reviews
  for each row execute function reviews_have_hands();
alter table emergency_reviews drop constraint emergency_reviews_closed_by_somebody_else;
alter table emergency_reviews add constraint emergency_reviews_closed_by_somebody_else
  check (closed_by is null or closed_by <> requester_id and not closed_hands && hands);

create function proposals_have_hands() returns trigger language plpgsql as $$
begin
  if new.hands = '{}' then new.hands := hands_of(new.token_makers || new.proposer_id); end if;
  if new.decided_by is not null and new.decided_hands is null then new.decided_hands := hands_of(array[new.decided_by]); end if;
  return new;
end
$$;
create trigger proposals_have_hands before insert or update on proposals for each row execute function proposals_have_hands();
alter table proposals drop constraint proposals_accepted_by_somebody_else;
alter table proposals add constraint proposals_accepted_by_somebody_else
  check (state not in ('accepted', 'performed', 'failed') or decided_by <> proposer_id and not decided_hands && hands);

alter table audit_events add column done_with text, add column makers text[], add column address text;
create index audit_events_by_what_they_were_done_with on audit_events (done_with, at) where done_with is not null;
-- What of an event its link is made of. One with a call has a form of its own, so that no call can be taken from it or added to it unseen.
create function audit_linked(seq bigint, event audit_events) returns text language sql stable as $$
  select case when num_nonnulls(event.done_with, event.makers, event.address) = 0 then plain
    else concat_ws(E'\\x1f', 'v2', plain, coalesce(event.done_with, ''), coalesce(array_to_string(event.makers, ','), ''),
      coalesce(event.address, '')) end
  from (select concat_ws(E'\\x1f', seq, event.id,
    (extract(epoch from event.at) * 1000000)::bigint, event.kind, event.actor, event.subject, event.body)) as linked (plain)
$$;
create or replace function audit_link() returns trigger language plpgsql as $$
declare
  head audit_head;
begin
  select * into head from audit_head for update;
  head.seq := head.seq + 1;
  head.hash := sha256(head.hash || convert_to(audit_linked(head.seq, new), 'UTF8'));
  insert into audit_chain (seq, event_id, hash) values (head.seq, new.id, head.hash);
  update audit_head set seq = head.seq, hash = head.hash;
  return null;
end
$$;
`

// The links of events of calls follow from those: a release that does not know of them finds such events edited.
const DOWN = `
create or replace function audit_link() returns trigger language plpgsql as $$
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
drop function audit_linked(bigint, audit_events);
drop index audit_events_by_what_they_were_done_with;
alter table audit_events drop column done_with, drop column makers, drop column address;

drop trigger proposals_have_hands on proposals;
drop function proposals_have_hands();
alter table proposals drop constraint proposals_accepted_by_somebody_else;
alter table proposals add constraint proposals_accepted_by_somebody_else check (state <> 'accepted' or decided_by <> proposer_id);
delete from proposals where kind like 'scim\\_token.%';
alter table proposals drop constraint proposals_kind_known;
alter table proposals add constraint proposals_kind_known
  check (kind in ('flow.create', 'flow.change', 'integration.create', 'integration.change', 'integration.own', 'integration.remove'));
alter table proposals drop column hands, drop column done_with, drop column decided_hands, drop column decided_with;

drop trigger emergency_reviews_have_hands on emergency_reviews;
drop function reviews_have_hands();
alter table emergency_reviews drop constraint emergency_reviews_closed_by_somebody_else;
alter table emergency_reviews add constraint emergency_reviews_closed_by_somebody_else check (closed_by is null or closed_by <> requester_id);
alter table emergency_reviews drop column hands, drop column closed_hands, drop column closed_with;

alter table grants drop column ended_hands, drop column ended_with;
drop trigger openings_have_hands on openings;
drop function openings_have_hands();
alter table openings drop column hands, drop column done_with;
drop trigger approvals_have_hands on approvals;
drop function approvals_have_hands();
alter table approvals drop column hands, drop column done_with;
drop trigger access_requests_have_hands on access_requests;
drop function requests_have_hands();
alter table access_requests drop column hands, drop column done_with;
alter table scim_tokens drop column makers;

drop function hands_of(text[]);
drop trigger external_ids_are_remembered on users;
drop trigger identities_are_remembered on identities;
drop function remember_external_id();
drop function remember_identity();
drop function external_id_mark(text);
drop function identity_mark(text, text);
drop table person_marks;
`

export class Agency1763769600003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
