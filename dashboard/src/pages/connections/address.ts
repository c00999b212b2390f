import { useSearchParams } from 'react-router'

/** One filter kept in the address, so that a link shows the same to everybody; `usual` leaves it out. */
export function useKept(name: string, usual: string): [string, (value: string | null) => void] {
  const [params, setParams] = useSearchParams()
  const set = (value: string | null) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        if (value === null || value === '' || value === usual) next.delete(name)
        else next.set(name, value)
        return next
      },
      { replace: true },
    )
  return [params.get(name) ?? usual, set]
}
