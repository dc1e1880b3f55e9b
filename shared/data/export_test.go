package data

var (
	Shapes = shapes

	SiteKeys   = siteKeys
	TableKeys  = tableKeys
	ColumnKeys = columnKeys
	AccessKeys = accessKeys
	RuleNames  = ruleNames
	IndexKeys  = indexKeys
	RuleKeys   = ruleKeys
	UpdateKeys = updateKeys
	ViewKeys   = viewKeys
	Operators  = operators

	ViewColumnKeys = viewColumnKeys
	VariableNames  = func() (out []string) {
		for _, c := range variables {
			out = append(out, c.Name)
		}
		return out
	}()
	Removals = func() (out []string) {
		for _, r := range removals {
			out = append(out, string(r))
		}
		return out
	}()
)
