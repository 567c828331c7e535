import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { Id } from '../../contract/id.ts'
import type { Role } from '../../contract/identity.ts'

export type UserState = 'active' | 'disabled'

@Entity('users')
export class User {
  @PrimaryColumn('text') id: Id<'usr'>
  @Column('text') name: string
  @Column('text', { nullable: true }) email: string | null
  @Column('text', { array: true }) roles: Role[]
  @Column('text') state: UserState
  @Column({ type: 'text', insert: false, update: false }) source: 'local' | 'sign_in' | 'scim'
  @Column({ type: 'text', nullable: true, insert: false, update: false }) userName: string | null
  @Column({ type: 'text', nullable: true, insert: false, update: false }) signInName: string | null
  @Column({ type: 'timestamptz', insert: false, update: false }) createdAt: Date
}
