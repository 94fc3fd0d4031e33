# Completion of jrweb for fish.
function __jrweb_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l found ($words[1] complete $words[2..-1] "$word" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$word"
    end
end
complete -c jrweb -e
complete -c jrweb -f -k -a '(__jrweb_complete)'
