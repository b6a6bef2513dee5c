//go:build !kafka_real

package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// broker starts a Kafka in this process with a topic of three partitions. With the build tag kafka_real it is Apache Kafka's own.
func broker(t *testing.T) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(3, topicName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}
