import { Refusal, spokenHeaders } from '../api/client.ts'

/** Takes what the API gives away as a file. A plain link could not say which tenant is looked at. */
export async function download(path: string, name: string): Promise<void> {
  const response = await fetch(path, { headers: spokenHeaders(), credentials: 'same-origin' })
  if (!response.ok) throw new Refusal(response.status, await response.json().catch(() => null))
  const url = URL.createObjectURL(await response.blob())
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
