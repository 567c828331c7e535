import type { MigrationInterface, QueryRunner } from 'typeorm'

// A step says itself whether it confers power. What was planned before, or by an older daemon, says nothing: there it is the last.
const UP = `alter table action_steps add column confers_power boolean`
const DOWN = `alter table action_steps drop column confers_power`

export class Runs1763769600014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN)
  }
}
