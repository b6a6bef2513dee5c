//go:build !azure_real

package main

import "testing"

// moreStores are those that need a server which is not in every run: Azure's, by `make azure-real`.
var moreStores []func(*testing.T) store
