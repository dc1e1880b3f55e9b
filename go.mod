module goop

go 1.26.0

ignore node_modules

require (
	filippo.io/edwards25519 v1.2.0 // wasm/internal/curve: the arithmetic of Go's own, without what that brings
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // host/bench/load: percentiles of millions of times
	github.com/andybalholm/brotli v1.2.8 // host/site: site files for browsers that take brotli
	github.com/caddyserver/certmagic v0.25.6 // host/cert: certificates by ACME
	github.com/gorilla/websocket v1.5.3 // host/node: which requests are a WebSocket's; tests
	github.com/libp2p/go-libp2p v0.51.0 // host/node
	github.com/mholt/acmez/v3 v3.1.7 // host/cert: what an ACME server says when it refuses
	github.com/multiformats/go-multiaddr v0.16.1 // host/node: addresses
	github.com/multiformats/go-multibase v0.3.0 // host/node: certificate hashes in addresses
	github.com/multiformats/go-multihash v0.2.3 // host/node: certificate hashes in addresses
	github.com/multiformats/go-multistream v0.6.1 // host/node: the native dialer
	github.com/ncruces/go-sqlite3 v0.35.6 // host/store; v0.36.0 cannot be had everywhere
	github.com/piglig/go-qr v1.1.0 // host/cmd/goop: links as QR codes; needs nothing itself, and its tests read what it makes
	github.com/prometheus/client_golang v1.25.0 // host/metrics; go-libp2p brings it along
	github.com/quic-go/quic-go v0.64.1 // host/node: limits before the handshake
	github.com/quic-go/webtransport-go v0.13.0 // host/node
	github.com/rogpeppe/go-internal v1.16.0 // tests of host/cmd/goop: testscript
	github.com/spf13/cobra v1.10.2 // host/cmd/goop: commands and flags
	github.com/spf13/pflag v1.0.9 // host/cmd/goop: what was wrong with a flag
	github.com/syumai/workers v0.32.0 // wasm/edge; later ones panic without a body
	go.uber.org/zap v1.28.0 // host/cert: certmagic's log, which goes into ours
	golang.org/x/crypto v0.57.0 // tests of wasm/internal/chachapoly
	golang.org/x/sys v0.48.0 // host/bench/load: processes that are kept to a core; host/cmd/goop: the console of Windows
	golang.org/x/term v0.46.0 // host/cmd/goop: whether the output is a terminal, and how wide
	google.golang.org/protobuf v1.36.12 // tests of wasm/internal/noise
)

require (
	filippo.io/bigmod v0.1.1-0.20260103110540-f8a47775ebe5 // indirect
	filippo.io/keygen v1.0.0 // indirect
	github.com/benbjohnson/clock v1.3.5 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/caddyserver/zerossl v0.1.6 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/davidlazar/go-crypto v0.0.0-20200604182044-b73af7476f6c // indirect
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.4.1 // indirect
	github.com/dunglas/httpsfv v1.1.1 // indirect
	github.com/filecoin-project/go-clock v0.1.0 // indirect
	github.com/flynn/noise v1.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/huin/goupnp v1.3.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/ipfs/go-cid v0.6.2 // indirect
	github.com/jackpal/go-nat-pmp v1.0.2 // indirect
	github.com/jbenet/go-temp-err-catcher v0.1.0 // indirect
	github.com/klauspost/cpuid/v2 v2.4.0 // indirect
	github.com/koron/go-ssdp v0.9.1 // indirect
	github.com/libdns/libdns v1.1.1 // indirect
	github.com/libp2p/go-buffer-pool v0.1.0 // indirect
	github.com/libp2p/go-flow-metrics v0.3.0 // indirect
	github.com/libp2p/go-libp2p-asn-util v0.4.1 // indirect
	github.com/libp2p/go-msgio v0.3.0 // indirect
	github.com/libp2p/go-netroute v0.4.0 // indirect
	github.com/libp2p/go-reuseport v0.4.0 // indirect
	github.com/libp2p/go-yamux/v5 v5.1.0 // indirect
	github.com/marten-seemann/tcp v0.0.0-20210406111302-dfbc87cc63fd // indirect
	github.com/miekg/dns v1.1.73 // indirect
	github.com/mikioh/tcpinfo v0.0.0-20190314235526-30a79bb1804b // indirect
	github.com/mikioh/tcpopt v0.0.0-20190314235656-172688c1accc // indirect
	github.com/minio/sha256-simd v1.0.1 // indirect
	github.com/mr-tron/base58 v1.3.0 // indirect
	github.com/multiformats/go-base32 v0.1.0 // indirect
	github.com/multiformats/go-base36 v0.2.0 // indirect
	github.com/multiformats/go-multiaddr-dns v0.6.0 // indirect
	github.com/multiformats/go-multiaddr-fmt v0.1.0 // indirect
	github.com/multiformats/go-multicodec v0.10.0 // indirect
	github.com/multiformats/go-varint v0.1.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/ncruces/go-sqlite3-wasm/v6 v6.3.35304 // indirect
	github.com/ncruces/julianday v1.0.0 // indirect
	github.com/pbnjay/memory v0.0.0-20210728143218-7b4eea64cf58 // indirect
	github.com/pion/datachannel v1.5.10 // indirect
	github.com/pion/dtls/v3 v3.1.2 // indirect
	github.com/pion/ice/v4 v4.0.10 // indirect
	github.com/pion/interceptor v0.1.40 // indirect
	github.com/pion/logging v0.2.4 // indirect
	github.com/pion/mdns/v2 v2.0.7 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	github.com/pion/rtcp v1.2.16 // indirect
	github.com/pion/rtp v1.8.19 // indirect
	github.com/pion/sctp v1.8.39 // indirect
	github.com/pion/sdp/v3 v3.0.18 // indirect
	github.com/pion/srtp/v3 v3.0.6 // indirect
	github.com/pion/stun/v3 v3.1.1 // indirect
	github.com/pion/transport/v3 v3.0.7 // indirect
	github.com/pion/transport/v4 v4.0.1 // indirect
	github.com/pion/turn/v4 v4.0.2 // indirect
	github.com/pion/webrtc/v4 v4.1.2 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/spaolacci/murmur3 v1.1.0 // indirect
	github.com/wlynxg/anet v0.0.5 // indirect
	github.com/zeebo/blake3 v0.2.4 // indirect
	go.uber.org/dig v1.19.0 // indirect
	go.uber.org/fx v1.24.0 // indirect
	go.uber.org/mock v0.6.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap/exp v0.3.0 // indirect
	golang.org/x/exp v0.0.0-20260718201538-764159d718ef // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/telemetry v0.0.0-20260908163034-4bcc4b2ee518 // indirect
	golang.org/x/text v0.42.0 // indirect
	golang.org/x/time v0.15.0 // indirect
	golang.org/x/tools v0.50.0 // indirect
	lukechampine.com/blake3 v1.4.1 // indirect
)

tool github.com/syumai/workers/cmd/workers-assets-gen
