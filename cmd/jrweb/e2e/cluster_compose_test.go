package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"jrweb/internal/freeport"
)

// flagOf is a variable of the compose file. Each is one of a flag of serve.
var flagOf = regexp.MustCompile(`JRWEB_([A-Z_]+): ([^},\s]+(?:,[^},\s]+)*)`)

// The three servers of the compose file find each other, with what the script beside it makes.
// A person who signs in at one of them is known to the others. They run without containers here,
// at other addresses.
func TestTheServersOfTheComposeFileAreACluster(t *testing.T) {
	t.Parallel()
	secrets := filepath.Join(t.TempDir(), "secrets")
	said := mustRun(t, "", filepath.Join(clusterFiles, "secrets"), secrets)
	_, token, found := strings.Cut(strings.TrimSpace(said), "the token of admin: ")
	if !found {
		t.Fatalf("the script says %q", said)
	}
	config := readText(t, filepath.Join(clusterFiles, "compose.yml"))
	common, own, found := strings.Cut(config, "\nservices:\n")
	if !found {
		t.Fatal("the file has no services")
	}
	addrs := []string{freeport.Addr(t), freeport.Addr(t), freeport.Addr(t)}
	places := strings.NewReplacer("n1:7170", addrs[0], "n2:7170", addrs[1], "n3:7170", addrs[2], "/secrets/", secrets+"/")
	names := flagOf.FindAllStringSubmatch(own, -1)
	if len(names) != 3 {
		t.Fatalf("there are %d servers", len(names))
	}
	var servers []*server
	for i, name := range names {
		data := t.TempDir()
		s := &server{t: t, db: filepath.Join(data, "jr.db")}
		for _, match := range append(flagOf.FindAllStringSubmatch(common, -1), name) {
			value := strings.NewReplacer("0.0.0.0:7170", addrs[i], "/data/", data+"/").Replace(places.Replace(match[2]))
			s.flags = append(s.flags, "-"+strings.ToLower(strings.ReplaceAll(match[1], "_", "-")), value)
		}
		servers = append(servers, s)
	}
	var started sync.WaitGroup
	for _, s := range servers {
		started.Go(func() {
			if err := s.tryStart(); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	if t.Failed() {
		t.FailNow()
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar} // cookies are for all ports
	ask := func(method, url, body string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s %s is answered %s, not %d", method, url, res.Status, want)
		}
	}
	ask("GET", servers[1].url+"/tasks", "", http.StatusUnauthorized)
	ask("POST", servers[0].url+"/login", `{"token":"`+token+`"}`, http.StatusOK)
	ask("POST", servers[1].url+"/tasks/t-1/events", says("hello"), http.StatusOK)
	ask("GET", servers[2].url+"/tasks/t-1/events", "", http.StatusOK)

	// What the image may read is for its user alone.
	files, err := os.ReadDir(secrets)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has the mode %v", file.Name(), mode)
		}
	}
}
