package conf

import (
	"reflect"
	"strings"
)

// given is one flag as it stood on the command line.
type given struct {
	flag, word string
}

// commandLine is what was found on it before any value is applied.
type commandLine struct {
	help   bool
	config string
	flags  []given
	rest   []string
}

// parseArgs takes the command line apart; unknown flags become problems. Forms: --name value, --name=value, --name and
// --no-name for a bool; one dash does as well as two; everything after -- is positional.
func (l *loader) parseArgs() commandLine {
	cmd := commandLine{}
	for args := l.Spec.Args; len(args) > 0; {
		word := args[0]
		args = args[1:]
		if word == "--" {
			cmd.rest = append(cmd.rest, args...)
			break
		}
		if len(word) < 2 || word[0] != '-' {
			cmd.rest = append(cmd.rest, word)
			continue
		}
		name, value, assigned := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if name == "help" || name == "h" {
			cmd.help = true
			continue
		}
		args = l.takeFlag(&cmd, name, value, assigned, args)
	}
	if len(cmd.rest) > 0 && !l.Positional {
		l.refuseUsage("%q is not a flag and %s takes no arguments", cmd.rest[0], l.Program)
	}
	return cmd
}

// takeFlag adds one flag to the command line and returns the words after it and its value.
func (l *loader) takeFlag(cmd *commandLine, name, value string, assigned bool, args []string) []string {
	target := l.byFlag(name)
	if len(target) == 0 && !assigned {
		if bare, ok := strings.CutPrefix(name, "no-"); ok && l.isBool(bare) {
			cmd.flags = append(cmd.flags, given{bare, "false"})
			return args
		}
	}
	if len(target) == 0 && name != "config" {
		l.refuseUsage("unknown flag --%s%s", name, hint("--"+name, l.flagNames(), "all flags are listed"))
		if !assigned && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			return args[1:] // most likely its value: no second mistake
		}
		return args
	}
	if !assigned && l.isBool(name) {
		value, assigned = "true", true
	}
	if !assigned {
		if len(args) == 0 {
			l.refuseUsage("flag --%s needs a value", name)
			return args
		}
		value, args = args[0], args[1:]
	}
	if name == "config" {
		cmd.config = value
		return args
	}
	cmd.flags = append(cmd.flags, given{name, value})
	return args
}

// applyFlags sets the values; a list's first flag replaces what lower layers gave, further ones add to it.
func (l *loader) applyFlags(cmd commandLine) {
	seen := map[string]string{}
	for _, g := range cmd.flags {
		word := g.word
		fields := l.byFlag(g.flag)
		kind := fields[0].value.Kind()
		if before, again := seen[g.flag]; again && !isScalar(fields[0].value.Type()) && (kind == reflect.Slice || kind == reflect.Map) {
			word = before + "," + word
		}
		seen[g.flag] = word
		for _, f := range fields {
			if err := l.set(f, word, Origin{Layer: Flag, Name: "--" + g.flag}); err != nil {
				l.refuseUsage("flag --%s: %v", g.flag, err)
				break
			}
		}
	}
}

func (l *loader) refuseUsage(format string, args ...any) {
	l.usage++
	l.refuse(format, args...)
}

func (l *loader) isBool(flag string) bool {
	fields := l.byFlag(flag)
	return len(fields) > 0 && fields[0].value.Kind() == reflect.Bool
}

func (l *loader) flagNames() []string {
	names := []string{"--config", "--help"}
	leaves(l.fields, func(f *field) {
		if f.flag != "" {
			names = append(names, "--"+f.flag)
		}
	})
	return names
}
