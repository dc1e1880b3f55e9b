package archtest

// rule forbids what files of some folders may import. Patterns are import paths; one that ends with
// "/..." stands for everything below too, "*.*/..." for every module but this one and the standard
// library.
type rule struct {
	folders []string // "shared/..." is a folder with everything below
	except  []string // folders in them to which the rule does not apply
	never   []string
	because string
}

var rules = []rule{
	{
		folders: []string{"shared/..."},
		never:   []string{"goop/host/...", "goop/wasm/...", "goop/js", "*.*/..."},
		because: "shared is inside of every program: it knows none of them, and nothing but the standard library",
	},
	{
		folders: []string{"shared/..."},
		never:   []string{"net/http/...", "database/sql/...", "syscall/js"},
		because: "shared is compiled for hosts and for browsers",
	},
	{
		folders: []string{"shared/wire", "shared/jsontext", "shared/link", "shared/member", "shared/group", "shared/jsonstate", "shared/peerid"},
		never:   []string{"fmt", "encoding/json", "log/...", "reflect", "net/...", "text/...", "html/...", "regexp/..."},
		because: "it is linked into the page's program, where these cost hundreds of kilobytes; use jsontext, strconv and wire.E",
	},
	{
		folders: []string{"shared/record", "shared/door"},
		never:   []string{"fmt", "encoding/json", "log/...", "reflect", "net", "net/url", "text/...", "html/...", "regexp/...", "os/...", "crypto/..."},
		because: "a Worker and a visitor's page are made of it; whoever calls it has the cryptography",
	},
	{
		folders: []string{"js"},
		never:   []string{"goop/..."},
		because: "the assets are a leaf: they embed themselves",
	},
	{
		folders: []string{"host/..."},
		never:   []string{"goop/wasm/...", "syscall/js"},
		because: "host is native, and meets the browser's side only over the wire",
	},
	{
		folders: []string{"wasm/..."},
		never:   []string{"goop/host/...", "net/http/...", "database/sql/...", "github.com/libp2p/..."},
		because: "the page's program would be three times as large",
	},
	{
		folders: []string{"..."},
		except:  []string{"wasm/..."},
		never:   []string{"syscall/js", "goop/wasm/..."},
		because: "only the browser's programs meet JavaScript",
	},
	{
		folders: []string{"..."},
		except:  []string{"host/node"},
		never:   []string{"github.com/libp2p/...", "github.com/quic-go/..."},
		because: "host/node is the only one that knows libp2p",
	},
	{
		folders: []string{"..."},
		except:  []string{"host/store"},
		never:   []string{"github.com/ncruces/go-sqlite3/...", "database/sql/..."},
		because: "SQL lives in host/store and nowhere else",
	},
	{
		folders: []string{"..."},
		except:  []string{"wasm/edge"},
		never:   []string{"github.com/syumai/workers/..."},
		because: "it reaches for globalThis.context as soon as it is there",
	},
	{
		folders: []string{"..."},
		except:  []string{"host/cmd/..."},
		never:   []string{"github.com/spf13/cobra"},
		because: "the command line is a matter of the command",
	},
	{
		folders: []string{"..."},
		except:  []string{"host/metrics"},
		never:   []string{"github.com/prometheus/..."},
		because: "host/metrics is the only one that knows Prometheus: the others count",
	},
	{
		folders: []string{"..."},
		except:  []string{"host/cert"},
		never:   []string{"github.com/caddyserver/...", "github.com/mholt/...", "go.uber.org/..."},
		because: "host/cert is the only one that knows ACME",
	},
	{
		folders: []string{"host/relay"},
		never:   []string{"goop/host/..."},
		because: "the relay declares the interfaces that it needs, and cmd puts the parts together",
	},
	{
		folders: []string{"host/store", "host/node", "host/control", "host/metrics"},
		never:   []string{"goop/host/store", "goop/host/node", "goop/host/site", "goop/host/dataserve", "goop/host/control", "goop/host/metrics"},
		because: "they do not know each other: cmd introduces them",
	},
	{
		folders: []string{"..."},
		except:  []string{"host/cmd/..."},
		never:   []string{"goop/host/cmd/...", "goop/wasm/member", "goop/wasm/edge"},
		because: "nothing imports a command",
	},
}
