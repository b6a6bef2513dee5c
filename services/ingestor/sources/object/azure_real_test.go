//go:build azure_real

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
)

// What Azurite knows everybody by, as its documentation says.
const (
	account = "devstoreaccount1"
	secret  = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

var moreStores = []func(*testing.T) store{azures}

// azures is a store of Azure's, by Azurite in a process of its own.
func azures(t *testing.T) store {
	t.Helper()
	install := exec.CommandContext(t.Context(), "azurite/install.sh")
	install.Stderr = os.Stderr
	command, err := install.Output()
	if err != nil {
		t.Fatalf("azurite/install.sh: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	azurite := exec.CommandContext(t.Context(), strings.TrimSpace(string(command)), "--blobHost", "127.0.0.1", "--blobPort", fmt.Sprint(at.Port), "--location", t.TempDir(), "--silent", "--skipApiVersionCheck", "--disableTelemetry")
	azurite.Stderr = os.Stderr
	if err := azurite.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = azurite.Process.Kill() // it keeps nothing
		_ = azurite.Wait()
	})
	t.Setenv("AZURE_STORAGE_ACCOUNT", account)
	t.Setenv("AZURE_STORAGE_KEY", secret)
	client, err := azblob.NewClientFromConnectionString(fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=http://%s/%[1]s;", account, secret, at), nil)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, err = client.CreateContainer(t.Context(), "corpus", nil); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("Azurite: %v", err)
		}
	}
	return store{"azblob", fmt.Sprintf("azblob://corpus?protocol=http&localemu=true&domain=%s", at), func(key string, data []byte) {
		if _, err := client.UploadBuffer(t.Context(), "corpus", key, data, nil); err != nil {
			t.Fatal(err)
		}
	}}
}
