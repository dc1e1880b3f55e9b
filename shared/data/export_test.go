package data

var (
	Shapes = shapes

	SiteKeys   = siteKeys
	TableKeys  = tableKeys
	ColumnKeys = columnKeys
	AccessKeys = accessKeys
	RuleNames  = ruleNames
)

// LikeMatches is like.
func LikeMatches(pattern, s string) bool { return like(pattern, s) }
