import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { bytes, jsonObject, mediaId, natural, thumbnailQuery } from '../definitions.ts'
import { serverName } from '../ids.ts'

const media = { serverName: serverName(), mediaId: mediaId() }
const waiting = () => Type.Object({ timeout_ms: Type.Optional(natural()) })

export const getContentAuthed = clientEndpoint('GET', '/_matrix/client/v1/media/download/:serverName/:mediaId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object(media),
  query: waiting(),
  response: bytes(),
})

export const getContentOverrideNameAuthed = clientEndpoint(
  'GET',
  '/_matrix/client/v1/media/download/:serverName/:mediaId/:fileName',
  {
    auth: 'access-token',
    guests: true,
    rateLimit: 'read',
    params: Type.Object({ ...media, fileName: Type.String() }),
    query: waiting(),
    response: bytes(),
  },
)

export const getContentThumbnailAuthed = clientEndpoint('GET', '/_matrix/client/v1/media/thumbnail/:serverName/:mediaId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object(media),
  query: Type.Object({ ...thumbnailQuery, timeout_ms: Type.Optional(natural()) }),
  response: bytes(),
})

export const getUrlPreviewAuthed = clientEndpoint('GET', '/_matrix/client/v1/media/preview_url', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ url: Type.String(), ts: Type.Optional(natural()) }),
  response: jsonObject(),
})

export const getConfigAuthed = clientEndpoint('GET', '/_matrix/client/v1/media/config', {
  auth: 'access-token',
  rateLimit: 'read',
  response: Type.Object({ 'm.upload.size': Type.Optional(natural()) }),
})
