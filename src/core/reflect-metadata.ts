/**
 * The dependency container inside @peculiar/x509 refuses to load without the metadata functions of a proposal that
 * never became part of the language. Nothing of ours has metadata, so "none" is the whole answer.
 */
const none = () => undefined
Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none })
