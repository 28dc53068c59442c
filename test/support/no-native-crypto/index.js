'use strict'
// matrix-bot-sdk reads these names when it is loaded, and the classes only when encryption is switched on.
const absent = class {
  constructor() {
    throw new Error('the native crypto of matrix-bot-sdk is not installed here')
  }
}
for (const name of [
  'OlmMachine',
  'DeviceId',
  'UserId',
  'RoomId',
  'RequestType',
  'StoreType',
  'EncryptionSettings',
  'EncryptionAlgorithm',
  'DeviceLists',
  'Attachment',
  'EncryptedAttachment',
  'KeysUploadRequest',
  'SigningKeys',
  'Signatures',
]) {
  exports[name] = absent
}
