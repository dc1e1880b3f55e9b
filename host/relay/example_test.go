package relay_test

import (
	"context"
	"fmt"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// A relay with one group, and a member that speaks the plain protocol.
func ExampleOpen() {
	ctx := context.Background()
	r, err := relay.Open(ctx, relay.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg, err := group.ParseConfig([]byte(`{"id":"lobby","type":"open"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Ensure(ctx, cfg); err != nil {
		fmt.Println(err)
		return
	}

	member, host := link.Pipe(0)
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.Serve(ctx, "12D3KooWAlice", host)
	}()
	_, _ = member.Write([]byte(`{"type":"join","group":"lobby"}` + "\n"))
	lines := link.NewReader(member, wire.MaxLine)
	line, err := lines.ReadLine()
	if err != nil {
		fmt.Println(err)
		return
	}
	frame, err := wire.Decode(line)
	if err != nil {
		fmt.Println(err)
		return
	}
	welcome, err := wire.ParseWelcome(frame.Payload)
	fmt.Println(frame.Type, welcome.You.Role, welcome.Count, err)

	_, _ = member.Write([]byte(`{"type":"leave"}` + "\n"))
	_, err = lines.ReadLine()
	fmt.Println(err)
	_ = member.Close()
	<-served
	fmt.Println(r.Shutdown(ctx))
	// Output:
	// welcome member 1 <nil>
	// EOF
	// <nil>
}
