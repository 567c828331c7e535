import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { proposalState } from '../../src/contract/proposals.ts'
import { runState } from '../../src/contract/runs.ts'
import type { Wanted } from './data/trail.ts'
import { Broken, Missing } from './shell/broken.tsx'
import { Shell } from './shell/shell.tsx'

// A new page: a folder under pages/, a route here, and a link in shell/ where people are to find it.
const root = createRootRoute({ component: Shell, errorComponent: Broken, notFoundComponent: Missing })

/** A parameter as it was typed: what looks like a number comes as one. */
const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

const FILTERS = ['kind', 'subject', 'actor', 'from', 'to'] as const

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/home/home.tsx'), 'Home'),
})

const search = createRoute({
  getParentRoute: () => root,
  path: '/search',
  validateSearch: (given: Record<string, unknown>) => ({ q: text(given['q']) }),
  component: lazyRouteComponent(() => import('./pages/search/search.tsx'), 'Search'),
})

const ask = createRoute({
  getParentRoute: () => root,
  path: '/ask',
  validateSearch: (given: Record<string, unknown>) => ({ resource: text(given['resource']) }),
  component: lazyRouteComponent(() => import('./pages/ask/ask.tsx'), 'Ask'),
})

const inbox = createRoute({
  getParentRoute: () => root,
  path: '/approvals',
  component: lazyRouteComponent(() => import('./pages/inbox/inbox.tsx'), 'Inbox'),
})

// Letters lead here.
const request = createRoute({
  getParentRoute: () => root,
  path: '/requests/$id',
  component: lazyRouteComponent(() => import('./pages/request/request.tsx'), 'RequestPage'),
})

const grant = createRoute({
  getParentRoute: () => root,
  path: '/grants/$id',
  component: lazyRouteComponent(() => import('./pages/grant/grant.tsx'), 'GrantPage'),
})

const receipt = createRoute({
  getParentRoute: () => root,
  path: '/grants/$id/receipt',
  component: lazyRouteComponent(() => import('./pages/receipt/receipt.tsx'), 'ReceiptPage'),
})

const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  validateSearch: (given: Record<string, unknown>) => ({ state: runState.safeParse(given['state']).data }),
  component: lazyRouteComponent(() => import('./pages/runs/runs.tsx'), 'Runs'),
})

const newRun = createRoute({
  getParentRoute: () => root,
  path: '/runs/new',
  validateSearch: (given: Record<string, unknown>) => ({
    integration: text(given['integration']),
    action: text(given['action']),
  }),
  component: lazyRouteComponent(() => import('./pages/runs/new-run.tsx'), 'NewRun'),
})

const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$id',
  component: lazyRouteComponent(() => import('./pages/runs/run.tsx'), 'RunPage'),
})

const rotations = createRoute({
  getParentRoute: () => root,
  path: '/rotations',
  component: lazyRouteComponent(() => import('./pages/rotations/rotations.tsx'), 'Rotations'),
})

const certificates = createRoute({
  getParentRoute: () => root,
  path: '/certificates',
  component: lazyRouteComponent(() => import('./pages/certificates/certificates.tsx'), 'Certificates'),
})

const distributions = createRoute({
  getParentRoute: () => root,
  path: '/distributions',
  component: lazyRouteComponent(() => import('./pages/distributions/distributions.tsx'), 'Distributions'),
})

const distribution = createRoute({
  getParentRoute: () => root,
  path: '/distributions/$id',
  component: lazyRouteComponent(() => import('./pages/distributions/distribution.tsx'), 'DistributionPage'),
})

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (given: Record<string, unknown>): Wanted =>
    Object.fromEntries(FILTERS.map((name) => [name, text(given[name]) || undefined])),
  component: lazyRouteComponent(() => import('./pages/audit/audit.tsx'), 'Audit'),
})

const grantStory = createRoute({
  getParentRoute: () => root,
  path: '/audit/grants/$id',
  component: lazyRouteComponent(() => import('./pages/audit/grant-story.tsx'), 'GrantStory'),
})

const integrations = createRoute({
  getParentRoute: () => root,
  path: '/integrations',
  component: lazyRouteComponent(() => import('./pages/integrations/integrations.tsx'), 'Integrations'),
})

const connect = createRoute({
  getParentRoute: () => root,
  path: '/integrations/new',
  validateSearch: (given: Record<string, unknown>) => ({ plugin: text(given['plugin']) }),
  component: lazyRouteComponent(() => import('./pages/integrations/connect.tsx'), 'Connect'),
})

const integration = createRoute({
  getParentRoute: () => root,
  path: '/integrations/$id',
  component: lazyRouteComponent(() => import('./pages/integrations/integration.tsx'), 'IntegrationPage'),
})

const flows = createRoute({
  getParentRoute: () => root,
  path: '/access-flows',
  validateSearch: (given: Record<string, unknown>) => ({ integration: text(given['integration']) }),
  component: lazyRouteComponent(() => import('./pages/flows/flows.tsx'), 'Flows'),
})

const newFlow = createRoute({
  getParentRoute: () => root,
  path: '/access-flows/new',
  validateSearch: (given: Record<string, unknown>) => ({ integration: text(given['integration']) }),
  component: lazyRouteComponent(() => import('./pages/flows/new-flow.tsx'), 'NewFlow'),
})

const flow = createRoute({
  getParentRoute: () => root,
  path: '/access-flows/$id',
  component: lazyRouteComponent(() => import('./pages/flows/flow.tsx'), 'FlowPage'),
})

const changeFlow = createRoute({
  getParentRoute: () => root,
  path: '/access-flows/$id/change',
  component: lazyRouteComponent(() => import('./pages/flows/change-flow.tsx'), 'ChangeFlow'),
})

const proposals = createRoute({
  getParentRoute: () => root,
  path: '/proposals',
  validateSearch: (given: Record<string, unknown>) => ({ state: proposalState.safeParse(given['state']).data }),
  component: lazyRouteComponent(() => import('./pages/proposals/proposals.tsx'), 'Proposals'),
})

// Letters lead here.
const proposal = createRoute({
  getParentRoute: () => root,
  path: '/proposals/$id',
  component: lazyRouteComponent(() => import('./pages/proposals/proposal.tsx'), 'ProposalPage'),
})

const forPeople = [home, search, ask, inbox, request, grant, receipt]
const forWork = [runs, newRun, run, rotations, certificates, distributions, distribution, audit, grantStory]
const forSetup = [integrations, connect, integration, flows, newFlow, flow, changeFlow, proposals, proposal]

export const router = createRouter({
  routeTree: root.addChildren([...forPeople, ...forWork, ...forSetup]),
  defaultPreload: 'intent',
  // A page of another id is another page: nothing that one holds, be it a credential or a decision, stands on the next.
  defaultRemountDeps: ({ params }) => params,
  defaultErrorComponent: Broken,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
