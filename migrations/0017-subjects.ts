import type { MigrationInterface, QueryRunner } from 'typeorm'

// A request says what it is about; of what an older daemon writes beside this one, the grant it extends tells.
const UP = `
alter table access_requests add column kind text;
update access_requests set kind = case when extends_grant_id is null then 'access' else 'extension' end;
alter table access_requests
  alter column kind set not null,
  add constraint access_requests_kind_known check (kind in ('access', 'extension', 'action')),
  add constraint access_requests_extend_a_grant check ((kind = 'extension') = (extends_grant_id is not null));

create function requests_have_a_kind() returns trigger language plpgsql as $$
begin
  if new.kind is null then new.kind := case when new.extends_grant_id is null then 'access' else 'extension' end; end if;
  return new;
end $$;
create trigger access_requests_have_a_kind before insert on access_requests for each row execute function requests_have_a_kind();
`

const DOWN = `
drop trigger access_requests_have_a_kind on access_requests;
drop function requests_have_a_kind();
alter table access_requests drop column kind;
`

export class Subjects1763769600017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
