// Package clients holds tests of what users really call Leat with: the official SDKs of OpenAI (Python, Node, Go) and Anthropic (Python, Node), and
// lm-evaluation-harness, against a real model behind `leat up`, and the SDKs against answers recorded from another server.
//
// install.sh puts the SDKs into the user's cache; the tests fail, and say so, where it has not run.
package clients
