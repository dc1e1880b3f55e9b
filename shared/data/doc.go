// Package data is the data protocol, /goop/data/1.0.0, and the rules of a site's tables: the shape of
// goop.json, of requests and answers, of where conditions, values and access. It must not know SQL,
// streams, or how a group works. Tables, queries and conditions do not change once they are made, and
// may be used from many goroutines; the package holds no other state.
//
// # Lines
//
// A member opens one stream for each connection and sends requests, one JSON object a line. The host
// answers each request with one line that carries its id. A member need not wait for an answer before
// it sends the next request. Reads run side by side and are answered in any order; writes of one
// stream happen in the order of their lines. A read that has to see a write is sent after the write's
// answer. With 128 requests under way, or lines of 1 MiB, the host reads no further until one is
// answered. A member that does not read its answers for 30 seconds is given up.
//
//	{"id":1,"op":"query","table":"moves","where":{"game":"chess-42"},"order":["-_id"],"limit":50}
//	{"id":1,"rows":[…]}
//	{"id":2,"op":"get","table":"moves","row":17}
//	{"id":2,"error":{"code":"not_found","message":"…","fatal":false}}
//
// A request's id is an integer within ±(2⁵³−1), chosen by the member; the host only gives it back. A
// field that the op does not have is an error, and so is one that stands twice: a "where" that is
// misspelt must not become a query for everything. A line that is a JSON object but no request is
// answered with its id, or with "id":null when it has none. A line that is not a JSON object or is too
// long is answered with "id":null and a fatal error, which ends the stream.
//
// # Requests and answers
//
// "?" marks what may be left out. Every answer has the id too.
//
//	op            fields                                           answer
//	time                                                           time: the host's clock in milliseconds
//	role                                                           role: "owner" or "visitor"; create?: [template]
//	role          table                                            role; access; may
//	claim         secret                                           role
//	reach                                                          links: [{url, kind, network, secure, handOut?}]
//	tables                                                         tables: [{name, access, view?}]
//	schema        table                                            schema: {name, view?, columns, indexes?, search?, memberOf?, access}
//	query         table, where?, order?, limit?, offset?, columns?,
//	              after?                                           rows: [row]; cursor?
//	get           table, row, columns?                             row
//	count         table, where?                                    count
//	aggregate     table, where?, by?, compute, order?, limit?      rows: [object]
//	insert        table, values, key                               row: as stored
//	insertMany    table, rows, key                                 rows: [row]
//	update        table, row, values, key                          row: as stored
//	updateWhere   table, where, values, key                        updated: how many
//	remove        table, row, key                                  removed: 1
//	removeWhere   table, where, key                                removed: how many
//	upsert        table, values, on?, key                          row; inserted: whether there was none
//	increment     table, row, values, key                          row
//	batch         operations, key                                  results: [fields of an answer]
//	sql           text, params?, key                               columns; rows: [[value]]; changes
//	watch         table, where?, order?, limit?, offset?, columns? rows: [row], then events
//	unwatch       watch                                            unwatched: whether there was such a watch
//	group.create  config, key                                      group: a row of _groups
//	group.update  group, set, key                                  group: a row of _groups
//	group.close   group, key                                       closed: the group's id
//	group.invite  group, role?, uses?, expires?, key               invite: {id, token, url, role, uses, expires}
//	group.invite  group, peer, role?, key                          invite: {url, role, peer}
//	group.revoke  group, invite or token, key                      revoked: the invite's id
//	group.kick    group, peer, message?, key                       kicked: the peer
//	group.ban     group, peer, message?, key                       banned: the peer
//	group.unban   group, peer, key                                 unbanned: the peer
//	group.setRole group, peer, role, key                           role
//	group.history group, before?, limit?, states?                  rows: [entry], the oldest first
//	group.stats   group                                            stats: {seq, members, sessions, …}
//
// Any other op is unsupported_type. time is answered at once, whatever else is under way: it is the
// heartbeat and the clock sample.
//
//   - table is a name; row is the row's _id; values, config and set are objects.
//   - order is a list of column names, "-name" for descending. Rows that are equal in it are in the
//     order of _id, and without an order all are. json and blob columns have no order. null comes
//     before everything.
//   - limit is 1 to 1,000, and 100 when absent; offset is 0 to 100,000.
//   - columns is a list of names. A row has these and _id; without columns it has all.
//   - after is the cursor of an answer to the same query: the rows come that are behind the last one of
//     that answer. It is not for a query with an offset. An answer without a cursor has the last rows. A
//     cursor says where that row stood in the order; it is good for its table and order alone, whatever
//     the rest of the query says, and never ends.
//   - may says, for read, insert, update and remove, for which rows the caller may do that: "all",
//     "some" when it depends on the row, "none".
//   - key is chosen at random for each write, 16 to 64 of a-z, A-Z, 0-9, "-", "_" and ".". The host
//     remembers it for 24 hours: the same request with the same key is not done again but gets the first
//     answer. The same key with another request is id_conflict. A refused write is not remembered. A key
//     that begins with the time, and goes on with at least 64 random bits, costs the host less.
//   - by is a list of at most 8 columns, compute an object of at most 16 names, each with "count", for
//     rows, or {"count": column}, for those that have a value there, {"sum": …} or {"avg": …} of an
//     integer or real column, {"min": …} or {"max": …}. A row of the answer has the columns of by and
//     the names of compute, and stands for all rows with these values; without by there is one for all
//     rows. order takes the names of both; what is equal in it is in the order of by.
//   - rows, of insertMany, is a list of 1 to 500 objects as values; all are inserted, or none.
//   - where, of updateWhere and removeWhere, is a condition; {} is for all rows. Rows that the caller may
//     read and not change are left as they are, and not counted. More than 1,000 rows are
//     limit_exceeded, and nothing is done.
//   - on names the columns of a unique column or index, in any order, by which upsert knows a row; _owner
//     among them is the caller. It may be left out where one thing is unique. A row with the same values
//     gets the other values; if the caller may not update it, that is forbidden, or a bare conflict when
//     it may not even read it.
//   - values, of increment, says what is added to which integer and real columns; null counts as 0.
//   - operations is a list of 1 to 100 of insert, insertMany, update, updateWhere, remove, removeWhere,
//     upsert and increment, as the request would be but without id and key, and at most one send: {"op",
//     "group", "payload"}. They are done in their order in one transaction; when one cannot be done, none
//     is, and the error's message begins with its number, from 0, as in "operation 3: …". As row, and
//     as the value of an integer column, {"$row": N} stands for the _id of the row that the insert or
//     upsert with that number has made. send appends a message to a durable group, in the same
//     transaction; the caller needs the right to send there and need not have joined it. Its
//     result is {seq, time}.
//   - text is one statement of SQL, params are the values of its parameters. It is for the site's owner. A
//     SELECT reads everything; INSERT, UPDATE and DELETE are for the tables of the site.
//   - secret is what stood in the owner link.
//   - links are the addresses of the site's first page, for the site's owner alone; others know the one by
//     which they came, and are told forbidden. kind and network say where an address counts ([Link]); secure,
//     whether browsers trust it; handOut marks the best one for somebody else.
//   - config is a group's configuration, as package group reads it, or {"template", "name"?}: then the
//     group is made from the template of goop.json with that name. The site's owner may make any group,
//     others may make groups from templates, whose ids the host makes.
//
// # Rows
//
// A row is an object with the table's columns and what the host keeps: _id (an integer that rises with
// the time of the insert and tells nothing else), _owner (the peer id of whoever inserted it),
// _created_at and _updated_at (milliseconds). A row that was recorded from a group's message has that
// message's sender and time, and in _seq its number; other rows show no _seq. Column types are in
// [Type]. null stands for no value.
//
// A message of a group that records becomes a row of the group's record table: the keys of its payload
// are columns. Keys that are no columns are put, as one object, into the column "rest" of type json or,
// when the table has no such column, into its only json column; a payload that is no object goes there
// whole. The column of memberOf is set to the group's id whatever the payload says. A message that does
// not fit is refused. The table's insert rule is not asked; but a group that records may only be made by
// those whom that rule would let insert, as members of the group. A group that records is durable.
//
// A group that only those who are invited may know of does not record into a table that everybody may
// read: making it, and changing its access, is invalid_value then.
//
// # People of a group
//
// The ops from group.invite to group.setRole need the right invite (also for group.revoke), kick (for
// group.kick, group.ban and group.unban) or setRole in the group. Whoever is not the site's owner acts
// on peers below his own role alone, and gives no role above his own.
//
//   - role is "moderator", "member" or "viewer"; an invite without one is for a "member".
//   - uses is for how many peers an invite is good, 1 to 10,000, one without it. expires is the moment
//     at which it ends, at most 366 days from now, in 7 days without it. The host keeps a hash of the
//     token: it is in this answer and nowhere else. A repeat of the request gets the same answer, but
//     not after a restart of the host, which then makes another invite.
//   - url is the site's first page, with "#goop-invite=<group>.<token>" behind it. A token has no ".".
//   - peer, in group.invite, is let in without a token, with the role.
//   - invite is the id of one, token the token of one.
//   - message is what the peer is told, at most 500 bytes.
//   - before is the seq of an entry: the history is that of the entries before it, the newest ones
//     without it. limit is 1 to 500, and 100 when absent. states asks for changes of the state too.
//
// An entry of the history is {type, seq, from, time, payload or patch, to?}, one that took away another
// has "redact", the seq of that one, in place of a payload, and one that was taken away "redacted":true.
// Only those that the caller may see are there. Fewer than limit come at the beginning of what is kept,
// and when they would be more than 1 MiB; no entry at all means that there is nothing before.
//
// # Conditions
//
// A where object is true for a row when all of its members are. A member is a column with the value
// that it has to have, or with operators that all have to hold, or one of and, or, not:
//
//	{"game":"chess-42", "ply":{">":3,"<=":9}}
//	{"or":[{"san":{"like":"%#"}}, {"not":{"player":{"in":["white","black"]}}}]}
//
//	=  !=              any column but json
//	<  <=  >  >=       text (by its UTF-8 bytes), integer, real, time
//	in                 a list of values, at most 500 in one request
//	like               text: % for any characters, _ for one, \ before one of them for itself; the case of
//	                   a to z does not count; at most 256 bytes
//	contains           text: a part of it, case counts
//	null               true or false: whether there is no value
//
// In a table that indexes words (search in goop.json), the key _search with a text is for the rows in whose
// indexed columns all words of the text begin one: a word is a run of letters and digits, and case and
// accents do not count; the text has 1 to 16 of them in at most 256 bytes. The order ["_rank"] has the best of them first; it is for callers who may read
// the whole table, and for a where that has _search outside of or and not. It has no cursor.
//
// A value that is null is equal to null alone, and neither less nor greater than anything; not turns
// false into true. A condition has at most 100 comparisons, nested at most 8 deep.
//
// A condition of a rule, in goop.json, knows more. Its keys may be "$me" (the caller's peer id), "$role" (the
// caller's role in the group that the row names in its memberOf column, null for none) and "$now" (the host's
// clock), or paths such as "question.closes_at", which lead over columns with references, at most three, to a
// column of another row. Behind =, !=, <, <=, > and >= may stand one of "$me", "$role" and "$now"; a text that
// begins with "$" is written with "$$". Columns of a row that is not there, or that the caller may not read,
// are null. In a member's where all of that is bad_query, and a value "$me" is just that text.
//
// # Live queries
//
// A watch is answered with the query's rows, and then with an event whenever a commit changed them:
//
//	{"id":7,"op":"watch","table":"moves","where":{"game":"chess-42"},"order":["ply"]}
//	{"id":7,"rows":[…]}
//	{"watch":7,"added":[row],"changed":[row],"removed":[_id],"places":[[_id,3]],"order":[_id]}
//	{"watch":7,"error":{…}}
//
// An event holds what it needs of the five lists. To follow, take away the rows of removed, put those of
// changed in the place of the row with the same _id, and append those of added. If there are places, take
// out the rows with these ids, and then put each in where it is to stand among all, counting from 0, in
// the order of the list, which is a rising one. If there is an order, then that is how all rows now stand.
// Without either they are in order already. Events come in the order of the commits; several commits may
// come as one event, and none is left out. A row that comes or goes because of limit and offset, because
// the watcher's rights changed, because a row to which it refers did, or because a moment has come that a
// rule names, is added or removed too. An event with an error ends the watch. A connection has at most 50
// watches; the id of an open watch is not used for another watch.
//
// # Access
//
// A table says who may read, insert, update and remove; see [Rule]. What a caller may not read does not
// exist: query, count and watch leave it out, and get, update and remove say not_found; a rule of
// "author" alone lets one update and remove what one may not read. An update or
// remove of a row that may be read but not changed is forbidden. In a table with memberOf, an update that
// moves a row to another group needs the right in both; where the rule for updates does not go by groups,
// it needs the right to insert there. What a column allows (required, min, max,
// maxLength, enum) is checked when a value is written.
//
// A rule may have a condition, "if": of an insert it has to be true for the new row, otherwise for the row as
// it is; of an update "then", which is the same without the author's word, for the row as it will be. The
// site's owner passes every rule but "none" without it. Rules for reading do not lead in a circle over their
// references.
//
// A column that is hidden does not exist for all but the site's owner: to name it is no_such_column, and no
// row, schema or event has it. A readonly column is set by the site's owner, others get its default; one with
// "update" is set by whoever inserts the row, and later by the owner. The others' values for them are
// invalid_value. A change of hidden columns alone leaves _updated_at as it is, so that nobody but the owner
// hears of it. A message that becomes a row is treated as everybody's, whoever sent it.
//
// A write of one row is answered with the row as it is stored, also when the writer may not read it, for he
// knows what he wrote. A row that he may not read is changed only by a rule "author", where it is his own; of one
// that he changes so, the answer has _id and the columns that he set. Conditions are asked in the transaction
// that does the write; what is told of groups is that of a moment just before it.
//
// # References
//
// A column with references holds the _id of a row of that table, or null. Whoever writes a reference has to be
// allowed to read the row that it leads to, or to have inserted it by the same batch; otherwise it is
// invalid_value, whether there is such a row or not. In a message that becomes a row, the row has to be there when
// everybody may read its table; otherwise any reference is taken, so that nobody learns what there is.
// When a row is removed, the host does with the references to it what goop.json says: it clears them, removes
// their rows too, and what hangs on those, or leaves them as they are. No rule is asked for that. It happens in
// the same transaction, live queries hear of it, and it happens as well when a message is redacted and its row
// goes. A write changes at most 10,000 rows, these included; more are limit_exceeded, and nothing is done.
//
// # Views
//
// A view is a table that holds no rows: they are what a SELECT in goop.json finds, by the site's author, who is
// trusted to choose what of the tables it shows. It has _id and its own columns, no _owner and its like, and is
// only read, by its own rule; query, get, count, aggregate and watch take it as they take a table.
//
// # _groups
//
// _groups is a table that the host makes up: a row for each group that the caller may see, with the
// columns of [Groups]. Its _id is the group's id. Inserting creates a group, updating changes it, removing
// closes it; the group's own rights are asked.
//
// # _invites and _peers
//
// These are tables like _groups. _invites has a row for each invite that has not expired, of the
// groups where the caller has the right invite; removing a row revokes the invite. _peers has a row for
// each peer that is in the roster of a group or has a role of its own there, of the groups whose members
// the caller may see, and for each that is banned where the caller has the right kick. Its _id is
// "<group>/<peer>". Updating role sets the peer's role, removing the row kicks the peer. Neither takes an
// insert: group.invite makes both. A query on _peers that does not say in where which group it is about
// and would look at more than 10,000 rows is limit_exceeded.
//
// # Errors
//
//	bad_message       not a request: fields missing, unknown, twice or of the wrong kind
//	too_large         the line, or the rows of one answer (1 MiB), of a batch too
//	unsupported_type  an unknown op
//	not_supported     a known op that this host does not have, or that a table such as _invites does not take
//	no_such_table     the table
//	no_such_column    a column in where, order, columns or values
//	bad_query         where, order, limit, offset, columns, after, by, compute or on that make no sense
//	invalid_value     a value of the wrong type, or outside of what its column allows
//	not_found         no such row, or none that the caller may see; a peer or an invite that the group does not have
//	forbidden         the table's rule, or the group's rights
//	invite_invalid    the secret of an owner link
//	conflict          a value of a unique column is taken; a group's id exists; a row came into another group
//	                  while its rights were looked up, and may be tried again
//	id_conflict       the key was used for another request
//	no_such_group     a group op's group, or one that the caller may not know of
//	limit_exceeded    more than 1,000 rows of an updateWhere or removeWhere, or 10,000 changed by a write; more than
//	                  50 watches, or 4 MiB of rows in them; rows of too many groups to check; as many groups, or
//	                  invites of one, as there may be; more than 1,000 rows of an sql, or a query that takes more
//	                  memory than the host gives
//	storage_full, timeout, closed, internal
package data
