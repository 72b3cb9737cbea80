#!/bin/sh
# The guest's PID 1 after init.sh, as root in the assembled root file system: makes what systemd
# would have made (pure cgroup v2 with all controllers, devpts, lo), runs the job, writes what it
# left in /job/results to /dev/vde, and powers off. It waits for its job, so it reaps orphans, too.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=${TERM:-linux}
. /job/environment
mkdir -p /dev/pts /dev/shm /job/results
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tracefs tracefs /sys/kernel/tracing
ln -s /proc/self/fd /dev/fd 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# Like systemd: the root group hands every controller down and holds no process of user space.
mkdir /sys/fs/cgroup/init.scope
echo 1 >/sys/fs/cgroup/init.scope/cgroup.procs
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done
# busybox made the modules' lists, and kmod's modprobe reads none of its kind: so the kernel asks
# busybox for what it needs. Loaded before: what would cost a test its first seconds.
printf '#!/bin/sh\nexec busybox modprobe "$@"\n' >/sbin/load-module
chmod 755 /sbin/load-module
echo /sbin/load-module >/proc/sys/kernel/modprobe
for module in loop veth bridge nf_tables nft_nat nft_masq nft_fib_inet nft_fib_ipv4 nft_fib_ipv6 nft_ct nft_chain_nat; do
  busybox modprobe "$module" || echo "guest: no module $module"
done
# Names that netbase would bring; nft lists rules by them.
[ -e /etc/protocols ] || printf 'icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\n' >/etc/protocols
hostname guest
ip link set lo up
cd "$GUEST_CHECKOUT" || exit
mount --make-rprivate /

setsid -c sh /job/job.sh </dev/console >/dev/console 2>&1 &
wait $!
echo $? >/job/results/status
tar -c -f /dev/vde -C /job/results .
sync
busybox poweroff -f
