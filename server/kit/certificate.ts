import type { Identity } from './auth/keys.ts'
import type { Field, Settings } from './fields.ts'

const WHERE_SHOWN = { mtls: 'true' }

type Words = {
  /** Of the setting: who asks for a certificate, and who does not. */
  hint: string
  /** Whether it is shown where the settings do not say. */
  default?: boolean
  certificate_hint?: string
  authority_label: string
  /** The credential fields of its key. */
  key?: string
  passphrase?: string
}

/** A certificate that is shown where the setting `mtls` says so: what is asked for it, and what it is shown by. */
export function certificateWhere(words: Words) {
  const { key = 'certificate_key', passphrase = 'certificate_passphrase', default: by_default = true } = words
  const { certificate_hint = 'in PEM, with those between it and its authority' } = words
  const secret = { secret: true, when: WHERE_SHOWN }
  const pem = { ...secret, required: true, multiline: true }
  const fields: Field[] = [
    { key: 'mtls', label: 'Show a certificate', hint: words.hint, type: 'boolean', default: by_default },
    { key: 'certificate', label: 'Certificate', hint: certificate_hint, ...pem },
    { key, label: 'Private key of the certificate', hint: 'in PEM', ...pem },
    { key: passphrase, label: 'Passphrase of that key', ...secret },
    {
      key: 'certificate_authority',
      label: words.authority_label,
      hint: 'in PEM; the public ones where empty',
      ...secret,
      multiline: true,
    },
  ]
  const shown: Identity = { certificate: 'certificate', key, passphrase, authority: 'certificate_authority' }
  const identity = ({ mtls = by_default }: Settings): Identity | null => (mtls === true ? shown : null)
  return { fields, identity }
}
