import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { bytes, mediaId, natural, thumbnailQuery } from '../definitions.ts'

const media = () => Type.Object({ mediaId: mediaId() })

/** The answer is `multipart/mixed`: a JSON object, then the file or where it is. */
export const getContent = serverEndpoint('GET', '/_matrix/federation/v1/media/download/:mediaId', {
  auth: 'server',
  params: media(),
  query: Type.Object({ timeout_ms: Type.Optional(natural()) }),
  response: bytes(),
})

export const getContentThumbnail = serverEndpoint('GET', '/_matrix/federation/v1/media/thumbnail/:mediaId', {
  auth: 'server',
  params: media(),
  query: Type.Object({ ...thumbnailQuery, timeout_ms: Type.Optional(natural()) }),
  response: bytes(),
})
