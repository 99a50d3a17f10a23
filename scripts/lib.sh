# shellcheck shell=bash
# What the shell scripts beside this file share. It is sourced, never run.

# say TEXT...: tell the person what goes on. It goes to stderr, because the stdout of some scripts is their answer.
say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die TEXT...: say it and give up.
die() {
    say "$@"
    exit 1
}

# have COMMAND...: is every one of these commands here?
have() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null 2>&1 || return 1
    done
}

# as_root COMMAND...: run it as it is for root, through sudo for anybody else.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        say "'$*' needs root, and there is no sudo here"
        return 1
    fi
}

# need_apt PACKAGE...: see to it that these Debian packages are installed, and say so when some have to be.
# Where all of them are there already it needs neither root nor the network.
need_apt() {
    local package missing=()
    have dpkg-query apt-get || {
        say "no apt here: please install what Debian calls $* by your own means"
        return 1
    }
    for package in "$@"; do
        # Virtual and removed-but-configured packages have a status too, so only 'installed' counts.
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing the Debian packages ${missing[*]}"
    # An old list names versions that the mirror has dropped since, so the list is renewed first.
    as_root apt-get -qq update >/dev/null || say "the package lists could not be renewed; trying with the ones here"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}
