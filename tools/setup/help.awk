# Prints the groups ("##@ Name") and the targets ("name: ## Sentence") of a Makefile.
BEGIN { FS = ":.*## " }
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $1, $2 }
END { print "" }
