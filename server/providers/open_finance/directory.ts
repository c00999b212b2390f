import type { Participant } from '../../kit/banking.ts'
import type { Organisations } from './wire.ts'

/** The institutions of the directory that can be asked for accounts, one for each authorization server they have. */
export const toParticipants = (organisations: Organisations): Participant[] =>
  organisations
    .filter(({ Status }) => Status === undefined || Status === null || Status === 'Active')
    .flatMap(({ OrganisationId, OrganisationName, RegistrationNumber, AuthorisationServers }) =>
      (AuthorisationServers ?? []).flatMap((server) => {
        const base_url = baseOf(server.ApiResources ?? [])
        if (!base_url || !server.OpenIDDiscoveryDocument) return []
        const cnpj = RegistrationNumber ?? null
        return [
          {
            organisation_id: OrganisationId,
            name: server.CustomerFriendlyName ?? OrganisationName ?? OrganisationId,
            organisation: OrganisationName ?? null,
            bank_code: cnpj === null ? null : cnpj.slice(0, 8),
            cnpj,
            logo: server.CustomerFriendlyLogoUri ?? null,
            settings: {
              issuer: server.OpenIDDiscoveryDocument.replace(/\/\.well-known\/openid-configuration$/, ''),
              base_url,
            },
          },
        ]
      }),
    )

type Resources = NonNullable<
  NonNullable<Organisations[number]['AuthorisationServers']>[number]['ApiResources']
>

/** Of the accounts, since all families stand below one address. */
function baseOf(resources: Resources): string | null {
  const endpoints = resources
    .filter(({ ApiFamilyType }) => ApiFamilyType === 'accounts')
    .flatMap(({ ApiDiscoveryEndpoints }) => ApiDiscoveryEndpoints ?? [])
  for (const { ApiEndpoint } of endpoints) {
    const base = /^(https?:\/\/[^?#]+\/open-banking)\/accounts\//.exec(ApiEndpoint ?? '')?.[1]
    if (base) return base
  }
  return null
}
