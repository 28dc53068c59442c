/** Uploads, and the downloads from before Matrix 1.11, which take no token. */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { bytes, empty, jsonObject, mediaId, natural, thumbnailQuery } from '../definitions.ts'
import { serverName } from '../ids.ts'

/** What no configuration lifts. The server's own limit is set there and checked by the handler. */
const MAX_UPLOAD = 4 * 1024 ** 3

const media = { serverName: serverName(), mediaId: mediaId() }
const old = (rest: string): string[] => [`/_matrix/media/r0/${rest}`, `/_matrix/media/v1/${rest}`]

const remote = {
  allow_remote: Type.Optional(Type.Boolean()),
  timeout_ms: Type.Optional(natural()),
  allow_redirect: Type.Optional(Type.Boolean()),
}

/** The body is the file; its type is in the Content-Type header. */
export const uploadContent = clientEndpoint('POST', '/_matrix/media/v3/upload', {
  alsoAt: old('upload'),
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MAX_UPLOAD,
  query: Type.Object({ filename: Type.Optional(Type.String()) }),
  response: Type.Object({ content_uri: Type.String() }),
})

export const uploadContentToMXC = clientEndpoint('PUT', '/_matrix/media/v3/upload/:serverName/:mediaId', {
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MAX_UPLOAD,
  params: Type.Object(media),
  query: Type.Object({ filename: Type.Optional(Type.String()) }),
  response: empty(),
})

export const createContent = clientEndpoint('POST', '/_matrix/media/v1/create', {
  auth: 'access-token',
  rateLimit: 'write',
  response: Type.Object({ content_uri: Type.String(), unused_expires_at: Type.Optional(natural()) }),
})

export const getContent = clientEndpoint('GET', '/_matrix/media/v3/download/:serverName/:mediaId', {
  alsoAt: old('download/:serverName/:mediaId'),
  auth: 'none',
  rateLimit: 'read',
  params: Type.Object(media),
  query: Type.Object(remote),
  response: bytes(),
})

export const getContentOverrideName = clientEndpoint('GET', '/_matrix/media/v3/download/:serverName/:mediaId/:fileName', {
  alsoAt: old('download/:serverName/:mediaId/:fileName'),
  auth: 'none',
  rateLimit: 'read',
  params: Type.Object({ ...media, fileName: Type.String() }),
  query: Type.Object(remote),
  response: bytes(),
})

export const getContentThumbnail = clientEndpoint('GET', '/_matrix/media/v3/thumbnail/:serverName/:mediaId', {
  alsoAt: old('thumbnail/:serverName/:mediaId'),
  auth: 'none',
  rateLimit: 'read',
  params: Type.Object(media),
  query: Type.Object({ ...thumbnailQuery, ...remote }),
  response: bytes(),
})

export const getUrlPreview = clientEndpoint('GET', '/_matrix/media/v3/preview_url', {
  alsoAt: old('preview_url'),
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ url: Type.String(), ts: Type.Optional(natural()) }),
  response: jsonObject(),
})

export const getConfig = clientEndpoint('GET', '/_matrix/media/v3/config', {
  alsoAt: old('config'),
  auth: 'access-token',
  rateLimit: 'read',
  response: Type.Object({ 'm.upload.size': Type.Optional(natural()) }),
})
