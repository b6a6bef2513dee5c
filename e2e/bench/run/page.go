package run

import "strings"

// The sections that stand for themselves, with a date and a machine of their own, in their order at the end of the page.
// A run replaces those that it measures and leaves the others, since they take longer, or need what is not everywhere.
const (
	soakHeading  = "## Soak"
	llamaHeading = "## The llama engine"
	dataHeading  = "## Data runs" // e2e/data writes it
)

// page puts what was measured into the page that is there. A run of nothing but sections that stand for themselves
// leaves all the rest as it is.
func (b *bench) page(old string) string {
	kept := sections(old)
	soak, llama, data := take(&kept, soakHeading), take(&kept, llamaHeading), take(&kept, dataHeading)
	if b.soak != nil {
		soak = b.soak.section()
	}
	switch {
	case b.llama != "":
		llama = llamaHeading + "\n\n" + b.llama
	case llama == "" && b.wants("llama"):
		llama = llamaHeading + "\n\nNot measured: no llama-server. `e2e/yardstick/build.sh` builds one; `LEAT_LLAMA_SERVER` names another."
	}
	main := strings.Join(kept, "")
	if len(b.results) > 0 || len(b.idle) > 0 || len(b.profiles) > 0 || main == "" {
		main = b.markdown()
	}
	var s strings.Builder
	for _, part := range []string{main, soak, llama, data} {
		if part = strings.TrimSpace(part); part != "" {
			s.WriteString(part + "\n\n")
		}
	}
	return strings.TrimRight(s.String(), "\n") + "\n"
}

// sections cuts a page before each heading of the second level.
func sections(page string) []string {
	var list []string
	for line := range strings.Lines(page) {
		if len(list) == 0 || strings.HasPrefix(line, "## ") {
			list = append(list, "")
		}
		list[len(list)-1] += line
	}
	return list
}

// take takes the section with a heading out of the list; empty where there is none.
func take(list *[]string, heading string) (section string) {
	var rest []string
	for _, s := range *list {
		if strings.HasPrefix(s, heading) {
			section = s
		} else {
			rest = append(rest, s)
		}
	}
	*list = rest
	return section
}
