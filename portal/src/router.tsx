import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Broken, Missing } from './shell/broken.tsx'
import { Shell } from './shell/shell.tsx'

// A new page: a folder under pages/, a line here, and a line in shell/ where it is to be found in the navigation.
const root = createRootRoute({ component: Shell, errorComponent: Broken, notFoundComponent: Missing })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/home/home.tsx'), 'Home'),
})

export const router = createRouter({
  routeTree: root.addChildren([home]),
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
