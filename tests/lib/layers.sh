#!/bin/sh
# The arrows of the house: each folder may include itself and the folders below it, named here. An
# include of the tree reads "folder/header.h". Prints every arrow that points up, and fails then.
cd "$(dirname "$0")/../.." || exit 1
find base conf protocol text vector storage search persistence scripting commands server -name '*.[ch]' -exec awk '
    BEGIN {
        allowed["base"] = " base "
        allowed["conf"] = " conf base "
        allowed["protocol"] = " protocol base "
        allowed["text"] = " text base "
        allowed["vector"] = " vector base "
        allowed["search"] = " search text vector base "
        allowed["storage"] = " storage text vector base "
        allowed["persistence"] = " persistence protocol storage text base "
        allowed["commands"] = " commands protocol storage vector base "
        allowed["scripting"] = " scripting protocol base "
        allowed["server"] = " server commands scripting persistence search storage text vector protocol conf base "
    }
    FNR == 1 { split(FILENAME, path, "/") }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, quoted, "\"")
        to = quoted[2]
        sub("/.*", "", to)
        if (index(allowed[path[1]], " " to " ")) next
        print FILENAME ":" FNR ": " path[1] " must not include " quoted[2]
        bad = 1
    }
    END { exit bad }' {} +
