package relay

// fifo holds things in the order in which they came, in pieces: what is added goes behind the last one, and what is let
// go of goes from the front. Neither moves any other. A slice that is appended to and cut in front would be copied, whole,
// again and again, and a large one holds up the collector of garbage for as long. The zero value is empty.
type fifo[T any] struct {
	pieces []*piece[T]
	spare  *piece[T] // let go of in front, for use behind
	front  int       // of the first one, in the first piece
	n      int
}

// pieceSize is how many there are in a piece: few, for most groups have said little.
const pieceSize = 16

type piece[T any] [pieceSize]T

// len returns how many there are.
func (f *fifo[T]) len() int { return f.n }

// at returns the one at i, of which the first is 0. It may be changed, and stays where it is until it is dropped.
func (f *fifo[T]) at(i int) *T {
	if uint(i) >= uint(f.n) {
		panic("relay: there are not so many in it")
	}
	i += f.front
	return &f.pieces[i/pieceSize][i%pieceSize]
}

// add puts v behind the last one.
func (f *fifo[T]) add(v T) {
	if f.front+f.n == len(f.pieces)*pieceSize {
		c := f.spare
		if f.spare = nil; c == nil {
			c = new(piece[T])
		}
		f.pieces = append(f.pieces, c)
	}
	f.n++
	*f.at(f.n - 1) = v
}

// drop lets go of the first n.
func (f *fifo[T]) drop(n int) {
	var none T
	for i := range n {
		*f.at(i) = none
	}
	if f.n -= n; f.n == 0 {
		*f = fifo[T]{}
		return
	}
	f.front += n
	if gone := f.front / pieceSize; gone > 0 {
		f.spare = f.pieces[0]
		clear(f.pieces[:gone])
		f.pieces = f.pieces[gone:]
		f.front %= pieceSize
	}
}
