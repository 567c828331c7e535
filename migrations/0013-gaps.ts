import type { MigrationInterface, QueryRunner } from 'typeorm'

// Grant: revoking | stuck → written_off, when its system is gone. Nothing is proved then; what comes back is looked at once more.
const UP = `
alter table grants drop constraint grants_state_known, drop constraint grants_final_have_ended;
alter table grants
  add column came_back_at timestamptz,
  -- Why it could not be set up; what its end meets stands elsewhere.
  add column failure jsonb,
  add constraint grants_state_known check (state in
    ('scheduled', 'provisioning', 'active', 'revoking', 'stuck', 'expired', 'revoked', 'failed', 'written_off')),
  add constraint grants_final_have_ended check ((state in ('expired', 'revoked', 'failed', 'written_off')) = (ended_at is not null)),
  add constraint grants_written_off_come_back check (came_back_at is null or state = 'written_off');
alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known check (kind in
  ('flow.create', 'flow.change', 'integration.create', 'integration.change', 'integration.own', 'integration.remove',
   'integration.write_off', 'scim_token.create', 'scim_token.rotate'));
create index grants_written_off on grants (integration_id) where state = 'written_off' and came_back_at is null;
`

// An earlier version knows no such end, and must not claim that anything was proved: it goes on trying.
const DOWN = `
alter table grants drop constraint grants_state_known, drop constraint grants_final_have_ended, drop constraint grants_written_off_come_back;
update action_runs r set state = 'stuck', settled_at = null from grants g where g.run_id = r.id and g.state = 'written_off';
update grants set state = 'stuck', ended_at = null, receipt = null where state = 'written_off';
drop index grants_written_off;
delete from proposals where kind = 'integration.write_off';
alter table proposals drop constraint proposals_kind_known, add constraint proposals_kind_known check (kind in
  ('flow.create', 'flow.change', 'integration.create', 'integration.change', 'integration.own', 'integration.remove',
   'scim_token.create', 'scim_token.rotate'));
alter table grants
  drop column came_back_at, drop column failure,
  add constraint grants_state_known check (state in
    ('scheduled', 'provisioning', 'active', 'revoking', 'stuck', 'expired', 'revoked', 'failed')),
  add constraint grants_final_have_ended check ((state in ('expired', 'revoked', 'failed')) = (ended_at is not null));
`

export class Gaps1763769600013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
