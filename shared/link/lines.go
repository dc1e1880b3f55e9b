package link

import (
	"bytes"
	"io"
)

const (
	// minBuffer is the first size of a Reader's buffer. Most lines fit.
	minBuffer = 512
	// readAhead is the most that is read at once beyond what a line needs, unless Ahead says otherwise, and the
	// largest buffer that an idle Reader keeps: one long line does not cost memory for as long as the stream lives.
	readAhead = 16 << 10
)

// Reader splits a stream into lines. It holds at most one line of the given limit in memory, plus
// what arrived in the same read.
type Reader struct {
	r     io.Reader
	limit int
	ahead int
	buf   []byte // buf[start:end] has arrived and is not yet returned
	start int
	end   int
	seen  int // of buf[start:end], the bytes known to hold no newline
	last  int // what the last read gave
	err   error
}

// NewReader returns a Reader of r whose lines are at most limit bytes long, the line's end not counted.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{r: r, limit: limit, ahead: readAhead}
}

// Ahead sets the most that is read at once beyond what a line needs, 16 KiB in the beginning: whoever has
// few streams and much on them saves calls.
func (r *Reader) Ahead(size int) { r.ahead = size }

// ReadLine returns the next line without its newline (a carriage return before it is dropped too).
// The slice is valid until the next call. A last line that has no newline is reported as
// io.ErrUnexpectedEOF: it may be half of what the sender meant. The error after the last line is
// io.EOF, ErrLineTooLong, or the stream's own.
func (r *Reader) ReadLine() ([]byte, error) {
	for r.err != ErrLineTooLong {
		if i := bytes.IndexByte(r.buf[r.start+r.seen:r.end], '\n'); i >= 0 {
			line := bytes.TrimSuffix(r.buf[r.start:r.start+r.seen+i], []byte{'\r'})
			r.start += r.seen + i + 1
			r.seen = 0
			if len(line) > r.limit {
				break
			}
			return line, nil
		}
		r.seen = r.end - r.start
		if r.seen > r.limit+1 { // the last byte may be a carriage return
			break
		}
		if r.err != nil {
			if r.err == io.EOF && r.seen > 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, r.err
		}
		r.fill()
	}
	r.err = ErrLineTooLong
	return nil, r.err
}

// Buffered reports whether another whole line has already arrived, so that a caller can take all
// that is there before it acts.
func (r *Reader) Buffered() bool {
	return bytes.IndexByte(r.buf[r.start+r.seen:r.end], '\n') >= 0
}

// fill makes room and reads once. Where much came there is likely more, and it is better taken together.
func (r *Reader) fill() {
	rest := r.end - r.start
	size := max(minBuffer, min(2*r.last, r.ahead), 2*rest)
	switch {
	case rest > 0 && r.end < len(r.buf): // there is room
	case len(r.buf) >= size && len(r.buf) <= 4*size:
		r.start, r.end = 0, copy(r.buf, r.buf[r.start:r.end])
	default:
		sized := make([]byte, size)
		r.start, r.end, r.buf = 0, copy(sized, r.buf[r.start:r.end]), sized
	}
	n, err := r.r.Read(r.buf[r.end:])
	r.end += n
	r.last = n
	if err != nil {
		r.err = err
	}
}
