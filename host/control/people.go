package control

import (
	"context"
	"encoding/json"
	"net/http"

	"goop/shared/wire"
)

// Standing is what a group remembers of a peer, there or not: the role that it was given, or a ban.
type Standing struct {
	Peer   wire.PeerID `json:"peer"`
	Role   wire.Role   `json:"role,omitempty"`
	Banned bool        `json:"banned,omitempty"`
	By     wire.PeerID `json:"by,omitempty"` // "" for the operator
	Since  int64       `json:"since"`        // milliseconds
}

// Invite lets peers into a group.
type Invite struct {
	ID      string      `json:"id,omitempty"`
	Role    wire.Role   `json:"role"`
	Uses    int         `json:"uses,omitempty"`
	Used    int         `json:"used,omitempty"`
	Expires int64       `json:"expires,omitempty"` // milliseconds
	By      wire.PeerID `json:"by,omitempty"`      // "" for the operator
	Created int64       `json:"created,omitempty"` // milliseconds

	// The following are in the answer to who makes it, and nowhere else.

	Token string      `json:"token,omitempty"`
	Peer  wire.PeerID `json:"peer,omitempty"` // who is in without a token
	URLs  []string    `json:"urls,omitempty"` // the one to hand out in front
}

// InviteRequest is what an invite is asked for with. The zero value of a field stands for its default.
type InviteRequest struct {
	Role    wire.Role `json:"role,omitempty"`
	Uses    int       `json:"uses,omitempty"`
	Expires int64     `json:"expires,omitempty"` // milliseconds
	Peer    string    `json:"peer,omitempty"`    // rather than a token: let this one in; as in PeerRequest
}

// RevokeRequest names an invite by its id or its token.
type RevokeRequest struct {
	Invite string `json:"invite"`
}

// PeerAction is something that is done to a peer in a group.
type PeerAction string

const (
	Kick    PeerAction = "kick"
	Ban     PeerAction = "ban"
	Unban   PeerAction = "unban"
	SetRole PeerAction = "role"
)

// PeerRequest is what is done to whom.
type PeerRequest struct {
	Peer    string    `json:"peer"`              // its id, or the beginning or end of one that nobody else's has
	Message string    `json:"message,omitempty"` // that it is told, of Kick and Ban
	Role    wire.Role `json:"role,omitempty"`    // of SetRole
}

// people has the mux answer requests about a group's people.
func (s *Server) people(mux *http.ServeMux) {
	mux.HandleFunc("POST /group/invite", answer(s, func(r *http.Request) (any, error) {
		var q InviteRequest
		if err := body(r, &q); err != nil {
			return nil, err
		}
		return s.host.Invite(r.Context(), groupOf(r), q)
	}))
	mux.HandleFunc("POST /group/revoke", answer(s, func(r *http.Request) (any, error) {
		var q RevokeRequest
		if err := body(r, &q); err != nil {
			return nil, err
		}
		return struct{}{}, s.host.Revoke(r.Context(), groupOf(r), q.Invite)
	}))
	for _, action := range []PeerAction{Kick, Ban, Unban, SetRole} {
		mux.HandleFunc("POST /group/"+string(action), answer(s, func(r *http.Request) (any, error) {
			var q PeerRequest
			if err := body(r, &q); err != nil {
				return nil, err
			}
			return s.host.ActOnPeer(r.Context(), groupOf(r), action, q)
		}))
	}
}

// body reads the body of a request.
func body(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return wire.E(wire.BadMessage, "the request is not understood: ", err.Error())
	}
	return nil
}

// Invite makes an invite to a group, or lets a peer in.
func (c *Client) Invite(ctx context.Context, id wire.GroupID, q InviteRequest) (inv Invite, err error) {
	err = c.ask(ctx, http.MethodPost, groupPath(id, "/invite"), q, &inv)
	return inv, err
}

// Revoke takes an invite back, which is named by its id or its token.
func (c *Client) Revoke(ctx context.Context, id wire.GroupID, invite string) error {
	return c.ask(ctx, http.MethodPost, groupPath(id, "/revoke"), RevokeRequest{invite}, &struct{}{})
}

// ActOnPeer does something to a peer in a group, and returns its whole id.
func (c *Client) ActOnPeer(ctx context.Context, id wire.GroupID, action PeerAction, q PeerRequest) (peer wire.PeerID, err error) {
	err = c.ask(ctx, http.MethodPost, groupPath(id, "/"+string(action)), q, &peer)
	return peer, err
}
