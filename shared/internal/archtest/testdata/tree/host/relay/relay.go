// Package relay knows no store.
package relay

import (
	_ "goop/host/store"
	_ "goop/shared/wire"
	_ "database/sql"
)
