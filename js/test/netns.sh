#!/usr/bin/env bash
# Runs a command, such as the browser tests, in network namespaces of its own:
#
#   js/test/netns.sh COMMAND [arguments]
#
#   page namespace (the command, its browsers)      hub namespace (hosts, further browsers)
#     127.0.0.1                                       127.0.0.1
#     10.77.0.2 (page0) ── veth ── (port0) ── bridge br0 10.77.0.1
#
# To a page, http://10.77.0.1 is a machine in its LAN: plain HTTP, no secure context. What runs in hub
# is started with: ip netns exec hub …; taking port0 off the bridge cuts the page's network without a
# word to either side, and two routing rules lose its UDP alone (harness/network.mjs), with nothing more than
# iproute2: packet filters need modules that a kernel may not have. With the command all its processes and both namespaces end: it is process 1 of
# a process namespace. Root is needed only where users may not make user namespaces.
set -euo pipefail

if [[ ${GOOP_NETNS:-} != inside ]]; then
  how=(unshare)
  if ((EUID != 0)); then
    how=(unshare --user --map-root-user)
    "${how[@]}" true 2>/dev/null || how=(sudo -n --preserve-env env PATH="$PATH" unshare)
  fi
  exec env GOOP_NETNS=inside "${how[@]}" --net --mount --pid --fork --kill-child --mount-proc "${BASH_SOURCE[0]}" "$@"
fi

PATH=$PATH:/usr/sbin:/sbin
mount -t tmpfs tmpfs /run
ip link set lo up
ip netns add hub
in_hub() { ip netns exec hub "$@"; }
in_hub ip link set lo up
ip link add page0 type veth peer name port0 netns hub
in_hub ip link add br0 type bridge
in_hub ip addr add 10.77.0.1/24 dev br0
in_hub ip link set port0 master br0
in_hub ip link set br0 up
# Rules may stand in front of the hub's own addresses, and table 77 leads into a cable that nobody holds.
in_hub ip rule add pref 10 lookup local
in_hub ip rule del pref 0
in_hub ip link add sink type veth peer name drain
in_hub ip link set sink arp off up
in_hub ip link set drain up
in_hub ip route add default dev sink table 77
in_hub ip link set port0 up
ip addr add 10.77.0.2/24 dev page0
ip link set page0 up
ip route add default via 10.77.0.1

# The hub has a name, for certificates. Every namespace of this one's sees the same file.
{ cat /etc/hosts; echo "10.77.0.1 goop.test"; } >/run/hosts
mount --bind /run/hosts /etc/hosts

# The command runs as a child, so that this shell takes in the orphans of a process namespace.
export GOOP_NETNS=ready
"$@" &
child=$!
trap 'kill -TERM $child 2>/dev/null' TERM INT
wait $child
