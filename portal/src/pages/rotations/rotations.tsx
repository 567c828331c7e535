import { useQuery } from '@tanstack/react-query'
import { dueRotations } from '../../data/work.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Page } from '../../parts/page.tsx'
import { useRole } from '../../parts/role.ts'
import { WorkNav } from '../../parts/work-nav.tsx'
import { work as words } from '../../words-for-work.ts'
import { Rotation } from './rotation.tsx'

/** What is overdue and what comes next. */
export function Rotations() {
  const { data, error, refetch } = useQuery(dueRotations())
  const isAdmin = useRole('admin')
  const mayMark = useRole('admin', 'owner')
  return (
    <Page title={words.rotations.title}>
      <WorkNav />
      {data ? (
        data.length === 0 ? (
          <Empty>{words.rotations.none}</Empty>
        ) : (
          data.map((rotation) => <Rotation key={rotation.id} rotation={rotation} mayRun={isAdmin} mayMark={mayMark} />)
        )
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  )
}
