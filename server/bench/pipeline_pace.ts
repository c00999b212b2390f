import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/ports.ts'
import { type Door, doorRequest } from './pipeline_door.ts'
import type { PaceOrder } from './pipeline_pacer.ts'
import type { Place } from './place.ts'
import { median, printTable, rounded } from './report.ts'

type Times = { p50_ms: number; p99_ms: number }
export type Pace = { per_second: number; nginx?: string } & Record<string, unknown>

const PER_SECOND = 100
const SECONDS = 10

/**
 * What a door adds to the time of one request at a low pace that does not wait for answers: the vendor asked directly,
 * through nginx as a reverse proxy, and through ours, in turns; p99 of each turn, the median of the turns.
 */
export async function comparePace(
  place: Place,
  { vendor, ours, rounds }: { vendor: number; ours: Door; rounds: number },
): Promise<Pace> {
  const request = doorRequest('/things', 'Bearer a-token-of-the-bench')
  const nginx = await startNginx(place, vendor)
  const doors: Door[] = [
    { name: 'direct', port: vendor, request },
    ...(nginx === null ? [] : [{ name: 'nginx', port: nginx, request }]),
    ours,
  ]
  const pacer = await place.program('./pipeline_pacer.ts')
  const seen = new Map<string, Times[]>()
  for (let round = 0; round <= rounds; round++) {
    for (const { name, port, request } of doors) {
      const measured_ms = (round === 0 ? 2 : SECONDS) * 1_000
      const order: PaceOrder = { port, request, per_second: PER_SECOND, warm_ms: 0, measured_ms }
      const times = await pacer.ask<Times>(order)
      if (round > 0) seen.set(name, [...(seen.get(name) ?? []), times])
    }
  }
  return reportPace(seen, nginx === null)
}

function reportPace(seen: Map<string, Times[]>, is_nginx_absent: boolean): Pace {
  const of = (name: string, which: keyof Times) => (seen.get(name) ?? []).map((times) => times[which])
  const added = (name: string, which: keyof Times) =>
    median(of(name, which).map((ms, round) => ms - (of('direct', which)[round] ?? Number.NaN)))
  const names = [...seen.keys()]
  const behind = names.filter((name) => name !== 'direct')
  printTable([
    [`at ${PER_SECOND} requests/s`, 'p50 ms', 'p99 ms', 'p50 added', 'p99 added'],
    ...names.map((name) => [
      name,
      median(of(name, 'p50_ms')).toFixed(2),
      median(of(name, 'p99_ms')).toFixed(2),
      ...(name === 'direct' ? [] : [added(name, 'p50_ms').toFixed(2), added(name, 'p99_ms').toFixed(2)]),
    ]),
    ...(is_nginx_absent ? [['nginx', 'absent', 'no nginx on PATH']] : []),
  ])
  return {
    per_second: PER_SECOND,
    ...(is_nginx_absent && { nginx: 'absent' }),
    p99_ms: Object.fromEntries(names.map((name) => [name, rounded(median(of(name, 'p99_ms')))])),
    p99_added_ms: Object.fromEntries(behind.map((name) => [name, rounded(added(name, 'p99_ms'))])),
  }
}

/** A reverse proxy with kept connections and no access log; null where there is no nginx. */
async function startNginx(place: Place, vendor: number): Promise<number | null> {
  const port = await freePort()
  const dir = `${place.app.config.data_dir}/nginx`
  await mkdir(dir)
  await chmod(dir, 0o777) // as root, its workers run as somebody else
  await writeFile(`${dir}/nginx.conf`, nginxConf(port, vendor, dir))
  const child = spawn('nginx', ['-p', dir, '-e', `${dir}/error.log`, '-c', `${dir}/nginx.conf`], {
    stdio: 'ignore',
    env: { PATH: `${process.env['PATH']}:/usr/sbin` },
  })
  let is_gone = false
  child.once('error', () => {
    is_gone = true
  })
  const ended = once(child, 'exit').then(() => {
    is_gone = true
  })
  ended.catch(() => {})
  for (let waited = 0; waited < 50 && !is_gone; waited++) {
    await sleep(100)
    if (await answers(port)) {
      place.undo(async () => {
        child.kill('SIGTERM')
        await ended
      })
      return port
    }
  }
  return null
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  )

const nginxConf = (port: number, vendor: number, dir: string): string => `
daemon off;
worker_processes auto;
pid ${dir}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  upstream vendor { server 127.0.0.1:${vendor}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://vendor;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
