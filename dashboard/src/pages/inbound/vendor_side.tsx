import { useProviders } from '../../api/names.ts'
import type { Field } from '../connections/fields.ts'
import { CatchUp } from './catch_up.tsx'
import { Registration } from './registration.tsx'
import type { OneSource } from './source.tsx'

/** What a provider's manifest says of its webhooks, beside the fields of a source. */
type Able = { registration: { fields: Field[] } | null; catch_up: { kept_days: number } | null }

/** What can be done about a source at its vendor; nothing where the vendor takes no orders. */
export function VendorSide({ of }: { of: OneSource }) {
  const provider = useProviders().find(({ id }) => id === of.provider)
  const { registration, catch_up } = (provider?.webhooks ?? {}) as Partial<Able>
  return (
    <>
      {registration && <Registration of={of} fields={registration.fields} />}
      {catch_up && <CatchUp of={of} kept_days={catch_up.kept_days} />}
    </>
  )
}
