// Package spot watches the metadata service of a cloud machine for notices that the machine will be taken away: those of AWS
// (EC2), GCP (Compute Engine) and Azure.
//
// It says what the provider announces, once, and goes on watching through failures of the service. It refuses to decide what a
// notice means for whoever runs on the machine, and to ask anything but the metadata service: no proxy, no redirect.
package spot
