package old

import _ "database/sql"
