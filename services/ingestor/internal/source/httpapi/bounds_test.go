package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

// A proxy asks in our place, so it is not given an address that we must not speak to ourselves. Go reads the proxy's address once in a process: the test is one of its own.
func TestAProxyIsNotAskedForAddressesOfClouds(t *testing.T) {
	if os.Getenv("LEAT_TEST_PROXIED") != "" {
		proxied(t)
		return
	}
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Host)
		_, _ = io.WriteString(w, `[{"id":1}]`)
	}))
	defer proxy.Close()
	self := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	self.Env = append(os.Environ(), "LEAT_TEST_PROXIED=1", "HTTP_PROXY="+proxy.URL, "http_proxy=", "NO_PROXY=", "no_proxy=")
	if out, err := self.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !slices.Equal(asked, []string{"api.example"}) {
		t.Errorf("the proxy was asked for %v, want api.example alone", asked)
	}
}

func proxied(t *testing.T) {
	t.Helper()
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]"} {
		if _, err := open(t, `{"url":"http://`+host+`/latest","tries":1}`).Plan(t.Context(), nil); source.CodeOf(err) != source.Denied {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := open(t, `{"url":"http://api.example/items","tries":1}`).Plan(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// A redirect or a link leads to no other host, port or scheme, and so to no address that the settings keep a source from; nor does a redirect of a redirect.
func TestARedirectLeadsNowhereElse(t *testing.T) {
	for _, to := range []string{"http://169.254.169.254/latest", "http://localhost:1/", "//[fd00:ec2::254]/", "file:///etc/passwd", "https://127.0.0.1/", "https://SELF/"} {
		hops := 0
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hops++; r.URL.Path != "/second" {
				http.Redirect(w, r, "/second", http.StatusFound)
				return
			}
			w.Header().Set("Location", strings.Replace(to, "SELF", r.Host, 1))
			w.WriteHeader(http.StatusTemporaryRedirect)
		}))
		_, err := open(t, `{"url":"`+api.URL+`","tries":1}`).Plan(t.Context(), nil)
		if api.Close(); source.CodeOf(err) != "foreign_link" || hops != 2 {
			t.Errorf("%s: after %d requests %v", to, hops, err)
		}
	}
}

// Nor does a link, in the answer's header or as its cursor.
func TestALinkLeadsNowhereElse(t *testing.T) {
	for _, paging := range []string{`{"kind":"link"}`, `{"kind":"cursor","field":"next"}`} {
		for _, to := range []string{"http://169.254.169.254/latest", "http://localhost:1/", "https://SELF/"} {
			asked := 0
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				next := strings.Replace(to, "SELF", r.Host, 1)
				w.Header().Set("Link", "<"+next+`>; rel="next"`)
				_, _ = io.WriteString(w, `{"next":"`+next+`","items":[{"id":1}]}`)
			}))
			s := open(t, `{"url":"`+api.URL+`","tries":1,"records":"items","paging":`+paging+`}`)
			_, _, _, err := ids(t, s, plan(t, s), nil)
			if api.Close(); source.CodeOf(err) != "foreign_link" || asked != 2 { // the plan, and the first page
				t.Errorf("%s by %s: after %d requests %v", to, paging, asked, err)
			}
		}
	}
}

// A name that leads to such an address is no way to it.
func TestANameHidesNoAddressOfACloud(t *testing.T) {
	sourcetest.Resolve(t, map[string][4]byte{"cloud.example.": {169, 254, 169, 254}})
	if _, err := open(t, `{"url":"http://cloud.example/latest","tries":1,"timeout":"2s"}`).Plan(t.Context(), nil); source.CodeOf(err) != source.Denied {
		t.Errorf("%v", err)
	}
}
