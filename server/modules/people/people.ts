/**
 * The room of people: who signs in to the dashboard, by what, and what they may do in which tenant. It promises that a
 * password is kept only as its hash and a session only as its token's, that a link is used once, that failures are
 * counted and locks end by themselves, that a role is nothing but scopes of a key, and that what is revoked is refused
 * by every process within a second. Each change leaves an audit row.
 */
export { createProvider, listProviders, listWays, readProvider, removeProvider } from './companies.ts'
export { finishVisit, startVisit, type Turned } from './company_sign_in.ts'
export { cookieToken } from './cookies.ts'
export {
  listPeople,
  readPerson,
  resetSecondFactor,
  restorePerson,
  signOutPerson,
  suspendPerson,
} from './directory.ts'
export { firstLink, resetLink } from './links.ts'
export { inviteMember, listMembers, removeMember, updateMember } from './members.ts'
export { changeTotp, updateProfile } from './profile.ts'
export { findPersonByEmail } from './queries.ts'
export { describeMember, describePerson, findMembersBy } from './search_queries.ts'
export { csrfOf, hashToken } from './secrets.ts'
export { describeOpened, endSession, listSessions, readSession } from './sessions.ts'
export { signIn, visitorOf } from './sign_in.ts'
export { chooseTenant, findStanding, isStanding, SESSION_TOPIC } from './standing.ts'
export { welcome } from './welcome.ts'
