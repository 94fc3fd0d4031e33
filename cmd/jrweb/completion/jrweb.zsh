#compdef jrweb
# Completion of jrweb for zsh.
_jrweb() {
	local -a words_ lines found
	local line
	words_=("${(@Q)words[2,CURRENT]}")
	lines=("${(@f)$("${words[1]/#\~/$HOME}" complete "${words_[@]}" 2>/dev/null)}")
	for line in "${lines[@]}"; do
		[[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	if ((${#found})); then
		_describe -V jrweb found
	else
		_files
	fi
}
# The file may be sourced, or be loaded by its name.
if [[ ${funcstack[1]} == _jrweb ]]; then
	_jrweb "$@"
else
	compdef _jrweb jrweb
fi
