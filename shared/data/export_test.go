package data

var (
	Shapes = shapes

	SiteKeys   = siteKeys
	TableKeys  = tableKeys
	ColumnKeys = columnKeys
	AccessKeys = accessKeys
	RuleNames  = ruleNames
)
