#!/bin/busybox sh
# The guest's first program: PID 1 of the initramfs, root of a fresh kernel, nothing mounted yet.
# It puts the root file system together from read-only disks and a tmpfs that takes every write,
# then hands over to main.sh. The host writes the kernel modules' load order to /modules/order.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod "/modules/$module"; done

# vda: a small Debian      vdb: Node, npm packages, kernel modules      vdc: the checkout
# vdd: the sandboxes' base image      vde: a tar with the job; takes its results afterwards
mkdir -p /disk/root /disk/machine /disk/checkout /disk/base /disk/fresh /new /job
mount -t ext4 -o ro /dev/vda /disk/root
mount -t ext4 -o ro /dev/vdb /disk/machine
mount -t ext4 -o ro /dev/vdc /disk/checkout
mount -t ext4 -o ro /dev/vdd /disk/base
mount -t tmpfs -o mode=755,size=75% fresh /disk/fresh
tar -x -f /dev/vde -C /job
. /job/environment

layers() { # layers NAME LOWER PLACE: an overlay whose writes go to the tmpfs
  mkdir -p "/disk/fresh/$1" "/disk/fresh/$1.work" "$3"
  mount -t overlay -o "lowerdir=$2,upperdir=/disk/fresh/$1,workdir=/disk/fresh/$1.work" "$1" "$3"
}
layers root /disk/machine/root:/disk/root /new
# Before the checkout, which may lie below one of them.
mount -t tmpfs -o mode=755 run /new/run
mount -t tmpfs -o mode=1777,size=75% tmp /new/tmp
layers checkout "/disk/checkout:/disk/machine/checkout" "/new$GUEST_CHECKOUT"
mkdir -p "/new$GUEST_BASE_IMAGE" /new/job
mount --move /disk/base "/new$GUEST_BASE_IMAGE"
for place in dev sys proc; do mount --move "/$place" "/new/$place"; done
cp -r /job/. /new/job
exec switch_root /new /bin/sh /job/main.sh
