import type { MigrationInterface, QueryRunner } from 'typeorm'

// Proposal: open → accepted → performed | failed, or withdrawn | declined | lapsed
// What a plugin delivers is the plugin's to name.
const UP = `
alter table access_requests drop constraint access_requests_delivery_known;
alter table grants drop constraint grants_delivery_known;
alter table openings drop constraint openings_delivery_known;

-- Requests keep the plan they were made with, and why the broker ended them.
alter table access_requests add column plan jsonb, add column end_reason text;

alter table proposals
  -- What it would change, as it was when it was proposed.
  add column base jsonb,
  add column expires_at timestamptz,
  add column performed_at timestamptz,
  add column problem jsonb,
  alter column body drop not null,
  drop constraint proposals_state_known;
-- Accepting was performing, and what failed was open again.
update proposals set state = 'performed', performed_at = decided_at where state = 'accepted';
update proposals set expires_at = created_at + interval '7 days';
update proposals set body = null where state <> 'open';
alter table proposals
  alter column expires_at set not null,
  add constraint proposals_state_known
    check (state in ('open', 'accepted', 'performed', 'failed', 'declined', 'withdrawn', 'lapsed')),
  add constraint proposals_keep_nothing_when_over check (state in ('open', 'accepted') or body is null);
`

const DOWN = `
alter table proposals
  drop constraint proposals_keep_nothing_when_over,
  drop constraint proposals_state_known;
update proposals set state = 'open', decided_by = null, decided_at = null where state = 'accepted';
update proposals set state = case state when 'performed' then 'accepted' when 'failed' then 'declined' when 'lapsed' then 'withdrawn' else state end,
  body = coalesce(body, '');
alter table proposals
  alter column body set not null,
  drop column problem, drop column performed_at, drop column expires_at, drop column base,
  add constraint proposals_state_known check (state in ('open', 'accepted', 'declined', 'withdrawn'));

alter table access_requests drop column end_reason, drop column plan;

alter table openings add constraint openings_delivery_known check (delivery in ('token', 'password'));
alter table grants add constraint grants_delivery_known check (delivery in ('token', 'password'));
alter table access_requests add constraint access_requests_delivery_known check (delivery in ('token', 'password'));
`

export class Decisions1763769600007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
