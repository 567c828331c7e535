import type { MigrationInterface, QueryRunner } from 'typeorm'

// Work that is tried again keeps its place: it is taken in the order in which it was first due.
//
// The head of the chain is a row that is written for each event and never changed. One row that is changed each time is read past all its
// dead versions while somebody looks at an old snapshot, a backup for one: so the new row is found at the end of an index, and the old one
// is deleted where it stands. The maker of a link holds a lock until the commit is through, the last that a commit takes.
const UP = `
alter table due_work add column due_since timestamptz;
create index due_work_oldest on due_work (lane, (coalesce(due_since, run_at)));

alter table audit_head drop column only_row;
alter table audit_head add constraint audit_head_pkey primary key (seq);

create or replace function audit_link() returns trigger language plpgsql
  -- The planner believes in few rows, which the dead versions of an hour are not.
  set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  head audit_head;
  last bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('latchkey:audit', 0));
  select * into head from audit_head order by seq desc limit 1;
  last := head.seq;
  head.seq := head.seq + 1;
  head.hash := sha256(head.hash || convert_to(audit_linked(head.seq, new), 'UTF8'));
  insert into audit_chain (seq, event_id, hash) values (head.seq, new.id, head.hash);
  insert into audit_head (seq, hash) values (head.seq, head.hash);
  delete from audit_head where seq = last;
  return null;
end
$$;
`

const DOWN = `
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
alter function audit_link() reset all;
alter table audit_head drop constraint audit_head_pkey;
alter table audit_head add column only_row boolean primary key default true constraint audit_head_is_one check (only_row);

drop index due_work_oldest;
alter table due_work drop column due_since;
`

export class Lanes1763769600010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
