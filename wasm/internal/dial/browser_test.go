//go:build !js

package dial_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// page runs a Go test binary and posts what it prints and how it ends.
const page = `<!doctype html><meta charset="utf-8"><title>test</title>
<script src="/wasm_exec.js"></script>
<script>
  const post = (path, body) => fetch(path, {method: "POST", body});
  let posted = Promise.resolve(), text = "";
  const decoder = new TextDecoder();
  globalThis.goopTest = {};
  globalThis.fs.writeSync = (fd, bytes) => {
    if (!text) setTimeout(() => { const t = text; text = ""; posted = posted.then(() => post("/log", t)); }, 100);
    text += decoder.decode(bytes, {stream: true});
    return bytes.length;
  };
  const end = (code) => setTimeout(() => posted = posted.then(() => post("/end", String(code))), 300);
  addEventListener("error", (e) => fs.writeSync(1, new TextEncoder().encode("uncaught: " + e.message + "\n")));
  addEventListener("unhandledrejection", (e) => {
    fs.writeSync(1, new TextEncoder().encode("--- FAIL: unhandled rejection: " + e.reason + "\n"));
    end("unhandled rejection");
  });
  (async () => {
    const go = new Go();
    go.argv = ["test", "-test.v", "-test.run=TestPage", "-test.timeout=120s"];
    go.exit = end;
    const {instance} = await WebAssembly.instantiateStreaming(fetch("/test.wasm"), go.importObject);
    await go.run(instance);
  })().catch((e) => { fs.writeSync(1, new TextEncoder().encode("page: " + e + "\n")); end(e); });
</script>`

// insecure is a name that browsers are told to look for on loopback; a page under it is no secure
// context.
const insecure = "goop-test.example"

// TestBrowsers runs TestPage in the browsers of this machine, against go-libp2p: in a secure page, and
// in an insecure one.
func TestBrowsers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	dir := t.TempDir()
	wasm := filepath.Join(dir, "test.wasm")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-o", wasm, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go test -c: %v\n%s", err, out)
	}
	for _, tt := range []struct {
		name    string
		command []string
		launch  func(t *testing.T, path, url string) *exec.Cmd
	}{
		{"chromium", []string{"chromium", "chromium-browser", "google-chrome"}, chromium},
		{"firefox", []string{"firefox-esr", "firefox"}, firefox},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := ""
			for _, name := range tt.command {
				if p, err := exec.LookPath(name); err == nil && path == "" {
					path = p
				}
			}
			switch {
			case path == "" && os.Getenv("CI") != "": // must not be passed over where it is to prove something
				t.Fatal("not installed")
			case path == "":
				t.Skip("not installed")
			}
			t.Run("secure", func(t *testing.T) {
				runPage(t, wasm, "", func(url string) *exec.Cmd { return tt.launch(t, path, url) })
			})
			t.Run("insecure", func(t *testing.T) {
				runPage(t, wasm, insecure, func(url string) *exec.Cmd { return tt.launch(t, path, url) })
			})
		})
	}
}

func chromium(t *testing.T, path, url string) *exec.Cmd {
	return exec.CommandContext(t.Context(), path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP "+insecure+" 127.0.0.1", "--user-data-dir="+t.TempDir(), url)
}

func firefox(t *testing.T, path, url string) *exec.Cmd {
	profile := t.TempDir()
	prefs := fmt.Sprintf(`
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9");
user_pref("dom.security.https_only_mode", false);
user_pref("dom.security.https_first", false);
user_pref("dom.security.https_first_schemeless", false);
user_pref("network.dns.localDomains", %q);
`, insecure)
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs), 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), path, "--headless", "--no-remote", "--new-instance", "--profile", profile, url)
}

// runPage serves the page, has a browser open it, and waits for its end.
func runPage(t *testing.T, wasm, name string, launch func(url string) *exec.Cmd) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	h := startHost(t)
	ended := make(chan string, 1)
	var log lockedLog
	h.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page)
	})
	h.mux.HandleFunc("GET /test.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, wasm) })
	h.mux.HandleFunc("GET /wasm_exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"))
	})
	h.mux.HandleFunc("POST /log", func(_ http.ResponseWriter, r *http.Request) { log.take(r) })
	h.mux.HandleFunc("POST /end", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := io.ReadAll(r.Body)
		select {
		case ended <- string(code):
		default:
		}
	})
	addr := h.addr
	if name != "" {
		_, port, _ := strings.Cut(h.addr, ":")
		addr = name + ":" + port
	}
	browser := launch("http://" + addr + "/")
	browser.WaitDelay = 5 * time.Second
	browser.Env = append(os.Environ(), "HOME="+t.TempDir(), "MOZ_DISABLE_AUTO_SAFE_MODE=1")
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		browser.Process.Signal(os.Interrupt)
		browser.Wait()
	}()
	select {
	case code := <-ended:
		if text := log.text(); code != "0" || !strings.Contains(text, "--- PASS: TestPage") {
			t.Errorf("the page ended with %s:\n%s", code, text)
		} else {
			t.Log(facts(text))
		}
	case <-time.After(150 * time.Second):
		t.Errorf("the page did not come to an end:\n%s", log.text())
	}
}

// facts are the lines of a test's output that it logged.
func facts(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, "_test.go:") || strings.HasPrefix(line, "--- PASS") {
			b.WriteString(line)
		}
	}
	return "\n" + b.String()
}

// lockedLog collects what a page posts.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) take(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	io.Copy(&l.b, r.Body)
}

func (l *lockedLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
