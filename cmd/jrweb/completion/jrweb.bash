# Completion of jrweb for bash. It needs no other script.
_jrweb() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=() i word glued=
	# Bash has split words at = and :, and replaces what is behind the last of them.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $glued || $word == [=:] ]] && ((${#words[@]} > 0)); then
			words[${#words[@]} - 1]+=$word
		else
			words+=("$word")
		fi
		glued=
		[[ $word == [=:] ]] && glued=1
	done
	[[ $cur == [=:] ]] && cur=
	local whole=${words[${#words[@]} - 1]}
	local before=${whole%"$cur"}
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		COMPREPLY+=("${word#"$before"}")
	done < <("${COMP_WORDS[0]/#\~/$HOME}" complete "${words[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _jrweb jrweb
