package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The paths come from the box itself, so that they are never too few.
const paths = "meetboxctl routes 2>/dev/null | awk '{ print $2 }' | sort -u"

func completion(_ context.Context, c *call, args []string) error {
	shell := "bash"
	if len(args) > 0 {
		shell = args[0]
	}
	all := commands()
	names := strings.Join(append(slices.Sorted(maps.Keys(all)), "help"), " ")
	var text string
	switch shell {
	case "bash":
		text = fmt.Sprintf(`_meetboxctl() {
	local word=${COMP_WORDS[COMP_CWORD]}
	case $word in
	-*) COMPREPLY=($(compgen -W "%s" -- "$word")) ;;
	*)
		if [ "$COMP_CWORD" -eq 1 ]; then
			COMPREPLY=($(compgen -W "%s" -- "$word"))
		else
			COMPREPLY=($(compgen -W "$(%s)" -- "$word"))
		fi
		;;
	esac
}
complete -o default -F _meetboxctl meetboxctl
`, "-"+strings.Join(slices.Sorted(maps.Keys(flagTexts)), " -"), names, paths)
	case "zsh":
		text = fmt.Sprintf(`#compdef meetboxctl
_meetboxctl() {
	if (( CURRENT == 2 )); then
		compadd -- %s
	else
		compadd -- $(%s)
		_files
	fi
}
compdef _meetboxctl meetboxctl
`, names, paths)
	case "fish":
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(all)) {
			fmt.Fprintf(&b, "complete -c meetboxctl -n __fish_use_subcommand -f -a %s -d %s\n", name, quote(all[name].help))
		}
		for _, name := range slices.Sorted(maps.Keys(flagTexts)) {
			fmt.Fprintf(&b, "complete -c meetboxctl -o %s -d %s\n", name, quote(flagTexts[name]))
		}
		fmt.Fprintf(&b, "complete -c meetboxctl -n 'not __fish_use_subcommand' -a '(%s)'\n", strings.ReplaceAll(paths, "'", `\'`))
		text = b.String()
	default:
		return fmt.Errorf("%w: there are bash, zsh and fish", errUsage)
	}
	_, err := fmt.Fprint(c.stdout, text)
	return err
}

// quote is a text for fish.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
