package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"goop/host/node"
	"goop/host/terminal"
	"goop/shared/wire"
)

// firstAsk bounds the first question to a host, whatever --timeout says: nobody there is told soon.
const firstAsk = 10 * time.Second

// memberFlags are those of the commands that make the terminal a member.
type memberFlags struct {
	transport string
	key       string
	anonymous bool
	timeout   time.Duration

	invite string
	label  string
	meta   string
}

func (m *memberFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.transport, "transport", node.Auto, "what carries the connection: auto, webtransport, quic, websocket or tcp")
	f.StringVar(&m.key, "key", "", "the `file` with this member's identity, made when it is not there; without it one for each host in your configuration folder")
	f.BoolVar(&m.anonymous, "anonymous", false, "with a new identity, which is kept nowhere")
	f.DurationVar(&m.timeout, "timeout", 15*time.Second, "the `time` to wait for the connection, and for each answer; 0 waits for ever")
}

func (m *memberFlags) addGroup(cmd *cobra.Command) {
	m.add(cmd)
	f := cmd.Flags()
	f.StringVar(&m.invite, "invite", "", "the `token` of an invite; an invite link has it in its address")
	f.StringVar(&m.label, "label", "", "the `name` that the others see")
	f.StringVar(&m.meta, "meta", "", "what else they see: a JSON `object`")
}

func (m *memberFlags) check() error {
	switch m.transport {
	case node.Auto, node.QUIC, node.WebTransport, node.WebSocket, node.TCP:
	default:
		return fmt.Errorf("--transport is auto, webtransport, quic, websocket or tcp, not %q", m.transport)
	}
	if m.anonymous && m.key != "" {
		return errors.New("--anonymous keeps no identity, and --key does: take one of them")
	}
	if m.timeout < 0 {
		return errors.New("--timeout is 0 or more")
	}
	return nil
}

// group returns which group is meant by the address and the arguments behind it, and the arguments that are left.
func (m *memberFlags) group(a terminal.Address, args []string) (g terminal.Group, rest []string, err error) {
	g = terminal.Group{ID: a.Group, Invite: a.Invite}
	if len(args) > 0 {
		if a.Group != "" && wire.GroupID(args[0]) != a.Group {
			return g, nil, fmt.Errorf("the link invites to the group %q, not to %q", a.Group, args[0])
		}
		g.ID, rest = wire.GroupID(args[0]), args[1:]
	}
	if g.ID == "" {
		return g, nil, errors.New("which group? Its id comes behind the address, unless that is an invite link")
	}
	if !wire.ValidID(string(g.ID)) {
		return g, nil, fmt.Errorf("%q is not the id of a group: 1 to %d of a-z, A-Z, 0-9, \"-\", \"_\" and \".\"", g.ID, wire.MaxID)
	}
	if m.invite != "" {
		g.Invite = m.invite
	}
	g.Meta, err = m.metaJSON()
	return g, rest, err
}

// metaJSON puts --meta and --label together.
func (m *memberFlags) metaJSON() ([]byte, error) {
	meta := map[string]json.RawMessage{}
	if m.meta != "" {
		if err := json.Unmarshal([]byte(m.meta), &meta); err != nil || meta == nil {
			return nil, fmt.Errorf(`--meta is a JSON object, such as {"colour":"red"}, and not %s`, m.meta)
		}
	}
	if m.label != "" {
		label, err := json.Marshal(m.label)
		if err != nil {
			return nil, err
		}
		meta["label"] = label
	}
	if len(meta) == 0 {
		return nil, nil
	}
	return json.Marshal(meta)
}

// connect makes the terminal a member of the host at an address, and runs fn. Status lines are written when they
// are asked for.
func (m *memberFlags) connect(cmd *cobra.Command, a terminal.Address, status bool, fn func(context.Context, *terminal.Terminal) error) error {
	// Without this a reader that goes away would end the program before it has left.
	signal.Ignore(syscall.SIGPIPE)
	ctx := cmd.Context()
	fetch := node.FetchDescriptor(a.Origin)
	desc, err := ask(ctx, a.Origin, fetch)
	if err != nil {
		return err
	}
	key, err := m.identity(desc.Peer)
	if err != nil {
		return err
	}
	known := &desc // for the first dial, which comes at once; it makes its calls one after the other
	dialer, err := node.NewDialer(node.DialerOptions{Key: key, Host: desc.Peer, Transport: m.transport,
		Descriptor: func(ctx context.Context) (wire.Descriptor, error) {
			if d := known; d != nil {
				known = nil
				return *d, nil
			}
			return fetch(ctx)
		}})
	if err != nil {
		return err
	}
	defer dialer.Close()
	t := terminal.Open(terminal.Options{Dialer: dialer, Out: cmd.OutOrStdout(), Patience: m.timeout, Status: status})
	defer t.Close()
	return fn(ctx, t)
}

// ask asks a host for its descriptor for the first time, and says what is wrong in the words of a person.
func ask(ctx context.Context, origin string, fetch func(context.Context) (wire.Descriptor, error)) (wire.Descriptor, error) {
	ctx, cancel := context.WithTimeout(ctx, firstAsk)
	defer cancel()
	d, err := fetch(ctx)
	if err == nil {
		return d, nil
	}
	err = unasked(err)
	switch e, ok := errors.AsType[*net.DNSError](err); {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s", firstAsk)
	case ok && e.IsNotFound:
		err = fmt.Errorf("the name %s leads nowhere", e.Name)
	}
	return d, fmt.Errorf("there is no Goop host at %s: %w", origin, err)
}

// identity returns the key of this member at a host.
func (m *memberFlags) identity(host wire.PeerID) (node.Key, error) {
	switch {
	case m.anonymous:
		return node.NewKey()
	case m.key != "":
		return node.LoadOrCreateKey(m.key)
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return node.Key{}, fmt.Errorf("there is no place for an identity (%w): name a file with --key, or go without one with --anonymous", err)
	}
	if host == "" || strings.ContainsFunc(string(host), func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }) {
		return node.Key{}, errors.New("the host's descriptor has no peer id") // it is to be the name of a file
	}
	folder = filepath.Join(folder, "goop", "keys")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return node.Key{}, fmt.Errorf("a place for an identity: %w (name a file with --key, or go without one with --anonymous)", err)
	}
	return node.LoadOrCreateKey(filepath.Join(folder, string(host)+".key"))
}
