package member_test

import (
	"context"
	"fmt"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

// smallHost welcomes everybody to an empty group and acknowledges what it gets.
func smallHost(peer wire.PeerID, protocol string, s link.Stream) {
	if protocol != wire.GroupProtocol {
		return
	}
	r := link.NewReader(s, wire.MaxLine)
	for seq := int64(0); ; seq++ {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		f, err := wire.Decode(line)
		if err != nil {
			return
		}
		answer := wire.Frame{Type: f.Type, ID: f.ID, Seq: seq, Time: 1767225600000, Ack: true}
		switch f.Type {
		case wire.TypeJoin:
			w := wire.Welcome{Epoch: "e1", You: wire.You{Peer: peer}, State: []byte("{}")}
			answer = wire.Frame{Type: wire.TypeWelcome, Group: f.Group, Payload: w.Append(nil)}
		case wire.TypeLeave:
			s.Close()
			return
		}
		if _, err := s.Write(answer.Append(nil)); err != nil {
			return
		}
	}
}

func Example() {
	net := &membertest.Net{Host: "12D3KooWHost", Serve: smallHost}
	defer net.Close()
	m := member.New(member.Options{Dialer: net.Dialer("12D3KooWAnn")})
	defer m.Close()
	m.Start()

	ctx := context.Background()
	s, err := m.Join(ctx, "chess-42", member.JoinOptions{
		Handler: member.HandlerFunc(func(batch []member.Event) {
			for _, e := range batch {
				if e.Own {
					fmt.Println("in the log:", string(e.Frame.Payload))
				}
			}
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := s.Send(ctx, []byte(`{"move":"e2e4"}`), member.SendOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Leave(ctx); err != nil { // Deliver has returned when it does
		fmt.Println(err)
	}
	fmt.Println("entry", r.Seq)
	// Output:
	// in the log: {"move":"e2e4"}
	// entry 1
}
