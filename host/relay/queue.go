package relay

// queue holds things in the order in which they came, in chunks: what is added goes behind the last one, and what is let
// go of goes from the front. Neither moves any other. A slice that is appended to and cut in front would be copied, whole,
// again and again, and a large one holds up the collector of garbage for as long. The zero value is empty.
type queue[T any] struct {
	chunks []*chunkOf[T]
	spare  *chunkOf[T] // let go of in front, for use behind
	front  int         // of the first one, in the first chunk
	n      int
}

// chunkSize is how many there are in a chunk: few, for most groups have said little.
const chunkSize = 16

type chunkOf[T any] [chunkSize]T

// len returns how many there are.
func (q *queue[T]) len() int { return q.n }

// at returns the one at i, of which the first is 0. It may be changed, and stays where it is until it is dropped.
func (q *queue[T]) at(i int) *T {
	if uint(i) >= uint(q.n) {
		panic("relay: there are not so many in the queue")
	}
	i += q.front
	return &q.chunks[i/chunkSize][i%chunkSize]
}

// add puts v behind the last one.
func (q *queue[T]) add(v T) {
	if q.front+q.n == len(q.chunks)*chunkSize {
		c := q.spare
		if q.spare = nil; c == nil {
			c = new(chunkOf[T])
		}
		q.chunks = append(q.chunks, c)
	}
	q.n++
	*q.at(q.n - 1) = v
}

// drop lets go of the first n.
func (q *queue[T]) drop(n int) {
	var none T
	for i := range n {
		*q.at(i) = none
	}
	if q.n -= n; q.n == 0 {
		*q = queue[T]{}
		return
	}
	q.front += n
	if gone := q.front / chunkSize; gone > 0 {
		q.spare = q.chunks[0]
		clear(q.chunks[:gone])
		q.chunks = q.chunks[gone:]
		q.front %= chunkSize
	}
}
