// Package helm holds the chart in deploy/helm/leat to the API types of Kubernetes and to the binary that it starts: what
// it renders is decoded strictly, and its configuration files, variables and arguments are given to real processes. It
// has no cluster: what an API server adds by admission, and whether a scheduler places the pods, is not shown here.
package helm
