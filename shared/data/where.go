package data

// Bounds of a condition.
const (
	MaxDepth = 8                   // of and, or, not
	MaxTerms = 100                 // comparisons
	MaxIn    = 500                 // values in all lists of in together
	maxParts = MaxDepth * MaxTerms // conditions and lists of them, empty ones too
	MaxLike  = 256                 // bytes of a pattern
	MaxVia   = 3                   // references from a row to the column that a rule asks for
)

// Test is what a Where does.
type Test string

// The tests; the text is what stands in JSON.
const (
	And      Test = "and"
	Or       Test = "or"
	Not      Test = "not"
	Equal    Test = "="
	NotEqual Test = "!="
	Less     Test = "<"
	AtMost   Test = "<="
	Greater  Test = ">"
	AtLeast  Test = ">="
	In       Test = "in"
	Like     Test = "like"
	Contains Test = "contains"
	Null     Test = "null"
	Search   Test = "search" // of the words in the table's Search columns
)

// Var is a value that depends on the caller or the moment. Only the conditions of rules have them.
type Var string

const (
	Me     Var = "$me"   // text: the caller's peer id
	MyRole Var = "$role" // text: the caller's role in the group that the row names in its memberOf column; null for none
	Now    Var = "$now"  // time: the host's clock
)

// variables lists every Var as a column of the type that it is of.
var variables = []*Column{{Name: string(Me), Type: Text}, {Name: string(MyRole), Type: Text}, {Name: string(Now), Type: Time}}

// variable returns the Var of a name, nil when there is none.
func variable(name string) *Column {
	for _, c := range variables {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Ref is a step from a row to one that it references.
type Ref struct {
	Column int    // of the table so far
	Table  *Table // to whose rows it leads
}

var operators = []string{"=", "!=", "<", "<=", ">", ">=", "in", "like", "contains", "null"}

// Where is a condition that has been checked against a table. It is either And, Or or Not, with Terms
// (one, for Not), or a comparison of Column. It is true or false for a row, never unknown: a comparison
// other than NotEqual and Null is false where there is no value.
type Where struct {
	Test   Test
	Terms  []*Where
	Column int     // in the table's Columns; nothing with Var and in a Search
	Value  Value   // of a comparison with one value; never null, unless Against stands in its place; of Search: the text
	Values []Value // of In; none is null
	IsNull bool    // of Null: what is asked for; of In: no value counts as one of Values

	// The following are in conditions of rules alone.

	Via     []Ref // the references to follow from the row to that of Column; where one leads nowhere, there is no value
	Var     Var   // what is compared, when it is no column
	Against Var   // with what it is compared, when that is no value

	group  int   // where it has to do with MyRole: the column of the row's group
	search []int // of Search: the columns
}
