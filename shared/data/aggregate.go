package data

// Func is what an aggregate makes of many values.
type Func string

const (
	Count Func = "count" // of rows, or of those that have a value in a column
	Sum   Func = "sum"   // of an integer or real; null when there is no value
	Least Func = "min"   // of what has an order
	Most  Func = "max"
	Mean  Func = "avg" // of an integer or real: a real
)

// Aggregate is a request for numbers about rows that has been checked against its table.
type Aggregate struct {
	Table   *Table
	Where   *Where // nil for all rows
	By      []int  // the columns whose values make a group, in the table's Columns; none: all rows are one
	Compute []Computed
	Order   []Order // Column counts By first and then Compute; By, rising, comes behind it
	Limit   int
}

// Computed is one number.
type Computed struct {
	Name   string
	Func   Func
	Column int // in the table's Columns; -1 for rows
}
