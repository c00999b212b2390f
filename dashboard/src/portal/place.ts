import { useSyncExternalStore } from 'react'

/** Where one is, kept behind the `#`, so that back and a reload work in a frame too. */
export type Place =
  | { at: 'list' }
  | { at: 'new' }
  | { at: 'subscription'; id: string }
  | { at: 'edit'; id: string }
  | { at: 'delivery'; id: string; delivery_id: string }

export function hrefOf(place: Place): string {
  switch (place.at) {
    case 'list':
      return '#/'
    case 'new':
      return '#/new'
    case 'subscription':
      return `#/${place.id}`
    case 'edit':
      return `#/${place.id}/edit`
    case 'delivery':
      return `#/${place.id}/${place.delivery_id}`
  }
}

export const goTo = (place: Place): void => {
  location.hash = hrefOf(place)
}

function placeOf(hash: string): Place {
  const [id, rest] = hash.replace(/^#\/?/, '').split('/')
  if (!id) return { at: 'list' }
  if (id === 'new') return { at: 'new' }
  if (!rest) return { at: 'subscription', id }
  return rest === 'edit' ? { at: 'edit', id } : { at: 'delivery', id, delivery_id: rest }
}

function listen(changed: () => void): () => void {
  window.addEventListener('hashchange', changed)
  return () => window.removeEventListener('hashchange', changed)
}

export const usePlace = (): Place =>
  placeOf(
    useSyncExternalStore(
      listen,
      () => location.hash,
      () => '',
    ),
  )
