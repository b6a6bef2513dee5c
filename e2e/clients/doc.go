// Package clients holds tests of what users really call Leat with: the official OpenAI SDKs for Python, Node and Go, and
// lm-evaluation-harness, against a real model behind `leat up`.
//
// install.sh puts the SDKs into the user's cache; the tests fail, and say so, where it has not run.
package clients
