package store

import (
	"context"
	"errors"
	"fmt"

	"goop/shared/data"
)

// KeepSite remembers the text of the goop.json that OpenTables was given; nil is that of a site without one.
func (db *DB) KeepSite(ctx context.Context, text []byte) error {
	return db.Write(ctx, func(tx *Tx) error { return keepSite(tx, text) })
}

func keepSite(tx *Tx, text []byte) error {
	if text == nil {
		text = []byte("{}")
	}
	same, err := tx.Number("SELECT count(*) FROM _site WHERE text = ?", Text(text))
	if err == nil && same == 0 {
		_, err = tx.Exec("INSERT OR REPLACE INTO _site (one, text) VALUES (1, ?)", Text(text))
	}
	return err
}

// KeptSite returns the site of the last start.
func (db *DB) KeptSite(ctx context.Context) (*data.Site, error) {
	var text []byte
	err := db.Read(ctx, func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT text FROM _site") {
			if err != nil {
				return err
			}
			text = row.Bytes(0)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, errors.New("this version of goop has not served a site from this data folder yet: start the host once, with goop serve")
	}
	site, err := data.ParseSite(text)
	if err != nil {
		return nil, fmt.Errorf("the site of the last start is not understood any more; start the host once, with goop serve: %w", err)
	}
	return site, nil
}
