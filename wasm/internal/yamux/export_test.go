package yamux

// What the tests look at from outside.
const (
	Window    = window
	MaxWindow = maxWindow
	MaxGrown  = maxGrown
)

// Grown returns by how many bytes the windows of all streams are larger than at first.
func (s *Session) Grown() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grown
}

// Allowed returns the stream's window.
func (st *Stream) Allowed() int {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	return st.allowed
}
