import { createBrowserRouter, type RouteObject } from 'react-router'
import { Frame } from './frame.tsx'
import { Lost } from './pages/lost.tsx'

/** Each page is loaded when somebody goes there; its module exports `Component`. */
const pages: RouteObject[] = [
  { index: true, lazy: () => import('./pages/overview/overview.tsx') },
  { path: 'calls', lazy: () => import('./pages/calls/calls.tsx') },
  { path: 'calls/:id', lazy: () => import('./pages/calls/call.tsx') },
  { path: 'story/:id', lazy: () => import('./pages/story/story.tsx') },
]

export const router = createBrowserRouter([
  {
    Component: Frame,
    ErrorBoundary: Lost,
    HydrateFallback: () => null,
    children: [...pages, { path: '*', Component: Lost }],
  },
])
