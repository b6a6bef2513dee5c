// Package conf fills configuration structs from their defaults, one YAML file, the environment and flags, in that
// order, and remembers where each value came from.
//
// A struct says everything once, in tags:
//
//	type Config struct {
//		MaxBody conf.Bytes `yaml:"max_body" flag:"max-body" doc:"largest request body" `
//		Policy  string     `yaml:"policy" flag:"policy" oneof:"adaptive|least_connections" doc:"how a worker is picked"`
//		Key     string     `yaml:"key" flag:"api-key" secret:"true" doc:"the upstream's key"`
//		Pools   map[string]Pool `yaml:"pools" doc:"one entry per model pool"` // no flag: YAML only
//	}
//
// The value that is passed in is the default. A field without a yaml tag is not configuration and is left alone. A
// nested struct is a YAML section; flags are flat. The environment variable is LEAT_ and the flag's name in capitals
// (max-body: LEAT_MAX_BODY); a further one, of lower rank, can be named with the tag env. Two fields with one flag name
// are one setting: the flag and the variable set both.
//
// Types: string, bool, signed and unsigned integers, floats, time.Duration, [Bytes], anything with UnmarshalText, slices
// of these (comma-separated in a flag or variable; a repeated flag adds), maps from string to these (k=v,k=v), and, in
// YAML only, maps from string to structs and slices of structs. An entry of such a map or slice starts from its type's
// zero value, or from what its SetDefaults method leaves. The entries of a list with the tag inherit:"true" start from the
// struct of their type that is embedded beside the list, as file, environment and flags have set it.
//
// What the package refuses to do: it never ignores a key, variable or flag that it does not know (it names the nearest
// one that it does); it does not expand variables inside values, merge several files, watch files, or read YAML merge
// keys and custom tags; it never prints a value whose field is tagged secret, not even in an error.
package conf
