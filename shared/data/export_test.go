package data

var (
	Shapes = shapes

	SiteKeys   = siteKeys
	TableKeys  = tableKeys
	ColumnKeys = columnKeys
	AccessKeys = accessKeys
	RuleNames  = ruleNames
	IndexKeys  = indexKeys
	Removals   = func() (out []string) {
		for _, r := range removals {
			out = append(out, string(r))
		}
		return out
	}()
)
