# For other scripts to source: single packages and sources of a Debian suite in a private folder, installed nowhere.
# Rule: the mirror is the one this machine already uses; apt checks everything against Debian's signed lists.

readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The address of the Debian archive in the machine's own apt configuration; the security archive is another tree.
debian_mirror() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 ~ /\/debian\/?$/ { print $1; exit }'
}

has_debian_archive() {
    command -v apt-get dpkg >/dev/null && [ -r "$KEYRING" ] && [ -n "$(debian_mirror)" ]
}

# private_apt FOLDER ARGUMENTS...: apt-get with lists and cache of its own below FOLDER/apt
private_apt() {
    local folder=$1/apt
    shift
    apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$folder/none" \
        -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# use_suite FOLDER SUITE [deb-src]: fetch the lists of one suite
use_suite() {
    local folder=$1 kind
    mkdir -p "$folder/apt/none" "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
    for kind in deb ${3:-}; do
        echo "$kind [signed-by=$KEYRING] $(debian_mirror) $2 main"
    done >"$folder/apt/sources.list"
    private_apt "$folder" update
}

# unpack_packages FOLDER ROOT: every package in FOLDER
unpack_packages() {
    local package
    for package in "$1"/*.deb; do
        dpkg --extract "$package" "$2"
    done
}
