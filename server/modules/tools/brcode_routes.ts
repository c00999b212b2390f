import type { Routes } from '../app.ts'
import { decodeBrCode, encodeBrCode } from './brcode.ts'
import { DecodeBrCode, DecodedBrCode, EncodeBrCode, EncodedBrCode } from './brcode_schema.ts'

const config = { access: 'calls:read' } as const
const tags = ['Tools']

export const brcodeRoutes: Routes = (http) => {
  http.post(
    '/v1/tools/brcode/decode',
    {
      config,
      schema: {
        operationId: 'decodeBrCode',
        summary: 'Read a BR Code',
        description:
          'Pix copia e cola: static, dynamic, of a recurrence, or composite. URLs in it are not opened, keys not looked up.',
        tags,
        body: DecodeBrCode,
        response: { 200: DecodedBrCode },
      },
    },
    async ({ body }) => decodeBrCode(body),
  )

  http.post(
    '/v1/tools/brcode/encode',
    {
      config,
      schema: {
        operationId: 'encodeBrCode',
        summary: 'Write a BR Code',
        description:
          'In ASCII, and read back before it is given out. Nothing is cut: what does not fit is refused.',
        tags,
        body: EncodeBrCode,
        response: { 200: EncodedBrCode },
      },
    },
    async ({ body }) => encodeBrCode(body),
  )
}
