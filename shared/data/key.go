package data

import (
	"goop/shared/group"
	"goop/shared/jsontext"
)

// WriteKey recognises a repeat of a writing request.
type WriteKey struct {
	Key     string
	Request []byte // what has to be the same in a repeat
}

// WriteKey returns the request's key, and the rest of it without the id, which is another one in a
// repeat.
func (r *Request) WriteKey() WriteKey {
	w := jsontext.Writer{}
	w.Begin('[')
	w.Str(string(r.Op))
	w.Str(r.Table)
	w.Str(string(r.Group))
	for _, raw := range [][]byte{r.Row, r.Values, r.Config, r.Set} {
		w.Raw(compact(raw))
	}
	if r.has&ofPeople != 0 {
		r.appendPeople(&w)
	}
	if r.has&ofMany != 0 {
		r.appendMany(&w)
	}
	w.End(']')
	return WriteKey{r.Key, w.B}
}

// appendPeople writes those fields that ops about a group's people have. An invite stands for its token,
// which is to be kept nowhere.
func (r *Request) appendPeople(w *jsontext.Writer) {
	w.Begin('{')
	w.StrUnlessEmpty("peer", string(r.Peer))
	w.StrUnlessEmpty("role", string(r.Role))
	w.Key("uses")
	w.Int(int64(r.Uses))
	w.Key("expires")
	w.Int(r.Expires)
	w.StrUnlessEmpty("invite", string(r.Revokes()))
	w.StrUnlessEmpty("message", r.Message)
	w.End('}')
}

// appendMany writes those fields that ops about more than one row have, and sql.
func (r *Request) appendMany(w *jsontext.Writer) {
	w.Begin('{')
	for _, f := range []struct {
		key string
		raw []byte
	}{{"where", r.Where}, {"rows", r.Rows}, {"operations", r.operations}, {"params", r.params}} {
		if f.raw != nil {
			w.Key(f.key)
			w.Raw(compact(f.raw))
		}
	}
	if r.has&fOn != 0 {
		texts(w, "on", r.On)
	}
	w.StrUnlessEmpty("text", r.Text)
	w.End('}')
}

// Revokes returns the invite that a request of group.revoke names, by its id or by its token.
func (r *Request) Revokes() group.InviteID {
	if r.has&fToken != 0 {
		return group.IDOf(group.HashToken(r.Token))
	}
	return r.Invite
}
