package control

import (
	"context"
	"net/http"
)

// BackupRequest says where a backup goes.
type BackupRequest struct {
	File  string `json:"file"` // absolute
	Force bool   `json:"force,omitempty"`
}

// Backup tells what a backup holds.
type Backup struct {
	File   string           `json:"file"`
	Size   int64            `json:"size"` // bytes
	Rows   int64            `json:"rows"`
	Tables map[string]int64 `json:"tables"` // rows of each table
	Took   int64            `json:"took"`   // milliseconds
}

// Schedule tells how the backups go that are made without being asked for.
type Schedule struct {
	Every  int64  `json:"every"` // milliseconds
	Keep   int    `json:"keep"`
	Dir    string `json:"dir"`
	Last   int64  `json:"last,omitempty"`   // milliseconds: when the newest was made
	Failed string `json:"failed,omitempty"` // why the last attempt was none
}

// Backup asks for a backup and waits until it is made.
func (c *Client) Backup(ctx context.Context, q BackupRequest) (b Backup, err error) {
	err = c.lasting().ask(ctx, http.MethodPost, "/backup", q, &b)
	return b, err
}
