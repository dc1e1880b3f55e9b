package bare

import (
	"context"
	"time"

	"goop/shared/data"
	"goop/shared/link"
	"goop/shared/wire"
)

// longestBeat is the length of a request for the time, at most.
const longestBeat = 64

// beat answers a data stream's heartbeats, and ends the stream with the first request that is none.
func beat(ctx context.Context, _ wire.PeerID, stream link.Stream) {
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	lines := link.NewReader(stream, longestBeat)
	var answer []byte
	for {
		text, err := lines.ReadLine()
		if err != nil {
			return
		}
		id, ok := data.TimeRequest(text)
		if !ok {
			return
		}
		answer = data.AppendTime(answer[:0], id, time.Now().UnixMilli())
		if _, err := stream.Write(answer); err != nil {
			return
		}
	}
}
