// Package cloud links the stores of pkg/blob that need a provider's library. Import it for that effect alone, in a main package:
// without the build tag `cloud` it is empty, as the three libraries are larger than all of leat (docs/adr/0025).
package cloud
