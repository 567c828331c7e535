import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { Id } from '../../contract/id.ts'

@Entity('groups')
export class Group {
  @PrimaryColumn('text') id: Id<'grp'>
  @Column('text') name: string
  @Column({ type: 'text', insert: false, update: false }) source: 'local' | 'sign_in' | 'scim'
  @Column({ type: 'text', nullable: true, insert: false, update: false }) issuer: string | null
  @Column({ type: 'timestamptz', insert: false, update: false }) createdAt: Date
}

@Entity('group_members')
export class GroupMember {
  @PrimaryColumn('text') groupId: Id<'grp'>
  @PrimaryColumn('text') userId: Id<'usr'>
}
