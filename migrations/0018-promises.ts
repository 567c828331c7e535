import type { MigrationInterface, QueryRunner } from 'typeorm'

// Who was disabled is remembered with the moment: what was proposed, decided or asked for through their hands until then is void, and stays so
// when they are enabled again. A void approval makes room for another one of the same person.
// A webhook tells on only while the person who made it, or switched it on, may do so, and the token they did it with was not revoked. Of one from
// before nobody knows more than who made it.
const approvalsHaveHands = (that: string) => `
create or replace function approvals_have_hands() returns trigger language plpgsql as $$
begin
  if new.hands = '{}' then new.hands := hands_of(array[new.approver_id]); end if;
  if exists (select from access_requests q where q.id = new.request_id and q.hands && new.hands) then
    raise exception 'an approval is by the hand that made the request'
      using errcode = 'check_violation', constraint = 'approvals_by_another_hand_than_the_request', table = 'approvals';
  end if;
  if new.decision = 'approve' and exists (
    select from approvals a where a.request_id = new.request_id and a.stage = new.stage and a.decision = 'approve' ${that}and a.hands && new.hands) then
    raise exception 'two approvals of a stage are by one hand'
      using errcode = 'check_violation', constraint = 'approvals_by_hands_of_their_own', table = 'approvals';
  end if;
  return new;
end
$$;
`

const UP = `
alter table webhooks
  add column makers text[] not null default '{}',
  add column made_with text,
  add column paused_because text,
  add constraint webhooks_paused_is_off check (paused_because is null or not active);
update webhooks set makers = array[created_by] where created_by is not null;

alter table users add column left_at timestamptz;
update users set left_at = now() where state = 'disabled';
create function remember_leaving() returns trigger language plpgsql as $$
begin
  new.left_at := clock_timestamp();
  return new;
end $$;
create trigger users_remember_leaving before update of state on users for each row
  when (new.state = 'disabled' and old.state <> 'disabled') execute function remember_leaving();
alter table approvals add column void_at timestamptz, drop constraint approvals_once_per_person_and_stage;
create unique index approvals_once_per_person_and_stage on approvals (request_id, stage, approver_id) where void_at is null;
alter table grants drop constraint grants_end_reason_known, add constraint grants_end_reason_known
  check (end_reason in ('expired', 'given_back', 'revoked', 'reported', 'failed', 'grantee_disabled', 'token_maker_disabled'));
create index access_requests_by_extended_grant on access_requests (extends_grant_id) where extends_grant_id is not null;
${approvalsHaveHands('and a.void_at is null ')}
`

const DOWN = `
drop index access_requests_by_extended_grant;
update grants set end_reason = 'grantee_disabled' where end_reason = 'token_maker_disabled';
alter table grants drop constraint grants_end_reason_known, add constraint grants_end_reason_known
  check (end_reason in ('expired', 'given_back', 'revoked', 'reported', 'failed', 'grantee_disabled'));
${approvalsHaveHands('')}
drop index approvals_once_per_person_and_stage;
delete from approvals where void_at is not null;
alter table approvals drop column void_at, add constraint approvals_once_per_person_and_stage unique (request_id, stage, approver_id);
drop trigger users_remember_leaving on users;
drop function remember_leaving();
alter table users drop column left_at;
alter table webhooks drop column makers, drop column made_with, drop column paused_because;
`

export class Promises1763769600018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
