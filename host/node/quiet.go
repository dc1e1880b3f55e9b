package node

import "os"

// quietBufferWarning keeps quic-go from printing to the terminal that the system grants it smaller UDP
// buffers than it asks for, which no visitor of a small host ever notices. Who sets the variable by
// hand is left alone.
func quietBufferWarning() {
	const name = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
	if _, ok := os.LookupEnv(name); !ok {
		_ = os.Setenv(name, "true")
	}
}
