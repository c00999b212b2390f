import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { listen as listenSoap } from 'soap'
import { undoAfter } from '../harness.ts'
import { invoicesWsdl } from '../wsdl.ts'
import type { Started, Subject } from './subject.ts'

/** What was done, by number. */
function books() {
  const counts = new Map<number, number>()
  return {
    note: (n: unknown) => void counts.set(Number(n), (counts.get(Number(n)) ?? 0) + 1),
    done: async (n: number) => counts.get(n) ?? 0,
  }
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function startHttp(): Promise<Started> {
  const { note, done } = books()
  const port = await portOf(
    createServer(({ method, url = '' }: IncomingMessage, response) => {
      if (method === 'POST') note(url.slice(1))
      response.writeHead(url === '/wrong' ? 400 : 200, { 'content-type': 'application/json' }).end('{}')
    }),
  )
  return {
    port,
    place: (at) => ({ provider: 'http', settings: { base_url: `http://127.0.0.1:${at}` } }),
    safe: { method: 'GET', path: '/' },
    wrong: { method: 'GET', path: '/wrong' },
    unsafe: (n) => ({ method: 'POST', path: `/${n}`, body: {} }),
    done,
  }
}

const invoice = (number: unknown) => ({
  operation: 'operations.call',
  input: { operation: 'GetInvoice', input: { number: String(number) } },
})

async function startSoap(): Promise<Started> {
  const { note, done } = books()
  const server = createServer((_request, response) => void response.writeHead(404).end())
  const port = await portOf(server)
  const document = invoicesWsdl(`http://127.0.0.1:${port}/invoices`)
  const answer = ({ number }: { number: string }) => {
    if (number === 'wrong') throw { Fault: { faultcode: 'soap:Client', faultstring: 'no such invoice' } }
    note(number)
    return { amount: '150.50' }
  }
  listenSoap(server, '/invoices', { Service: { Port: { GetInvoice: answer } } }, document)
  return {
    port,
    place: (at) => ({
      provider: 'soap',
      settings: { base_url: `http://127.0.0.1:${at}/invoices`, wsdl: document },
    }),
    safe: { method: 'GET', path: '/wsdl' },
    wrong: invoice('wrong'),
    unsafe: invoice,
    done,
  }
}

const PROTO = `syntax = "proto3"; package shop.v1; message Ask { string number = 1; } message Answer { string number = 1; }
service Invoices { rpc Get(Ask) returns (Answer); rpc Pay(Ask) returns (Answer); }`

const rpc = (operation: string, method: string, number: unknown) => ({
  operation,
  input: { service: 'shop.v1.Invoices', method, message: { number: String(number) } },
})

async function startGrpc(): Promise<Started> {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-grpc-'))
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'shop.proto'), PROTO)
  const { note, done } = books()
  type Call = grpc.ServerUnaryCall<{ number: string }, object>
  const answer = ({ request }: Call, callback: grpc.sendUnaryData<object>) =>
    request.number === 'wrong' ? callback({ code: grpc.status.NOT_FOUND }) : callback(null, request)
  const server = new grpc.Server()
  const loaded = grpc.loadPackageDefinition(loadSync(join(dir, 'shop.proto'))) as unknown as {
    shop: { v1: { Invoices: grpc.ServiceClientConstructor } }
  }
  server.addService(loaded.shop.v1.Invoices.service, {
    Get: answer,
    Pay: (call: Call, callback: grpc.sendUnaryData<object>) => {
      note(call.request.number)
      answer(call, callback)
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  undoAfter(async () => server.forceShutdown())
  return {
    port,
    place: (at) => ({ provider: 'grpc', settings: { base_url: `http://127.0.0.1:${at}`, proto: PROTO } }),
    safe: rpc('methods.read', 'Get', 1),
    wrong: rpc('methods.read', 'Get', 'wrong'),
    unsafe: (n) => rpc('methods.call', 'Pay', n),
    done,
  }
}

export const WEB: Subject[] = [
  { name: 'http', skip: false, start: startHttp },
  { name: 'soap', skip: false, start: startSoap },
  { name: 'grpc', skip: false, start: startGrpc },
]
