// Package relay knows no store.
package relay

import (
	_ "database/sql"
	_ "goop/host/store"
	_ "goop/shared/wire"
)
