# packages.sh -- sourced: need_packages NAME... installs those Debian packages that are missing.
#
# With nothing missing it does nothing, so that it works without network and without root. No package
# asked for here starts a service (redis-tools brings redis-cli and the programs, not the daemon's unit).

need_packages() {
    missing=
    for package in "$@"; do
        case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) in
            ii*) ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -z "$missing" ] && return 0

    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null; then
        as_root=sudo
    else
        echo "Packages are missing:$missing" >&2
        echo "Install them as root: apt-get install$missing" >&2
        return 1
    fi
    echo "Installing:$missing"
    # A list that is a little old, or a network that is away for the update alone, is no reason to stop.
    $as_root apt-get update -q || echo "apt-get update failed; trying with the lists at hand" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}
