#!/bin/sh
# The kernels for AMX on an emulated processor that has it: Linux boots in Bochs as a Sapphire Rapids and runs
# the kernels' tests with the real instructions, the system's permission for tiles and its lazily saved state
# included. Says nothing of speed. Takes three to four minutes.
#
#   tests/amx/run.sh BOCHS VMLINUZ [TEST_PROGRAM]
#
# BOCHS     bochs 3.0 built from its source with bochs-3.0.patch beside this file (it lacks XFD, without which
#           Linux offers no tiles, saves tiles wrongly, and takes the signed bytes of TDPBUSD for unsigned ones):
#             ./configure --enable-cpu-level=6 --enable-x86-64 --enable-avx --enable-evex --enable-amx \
#               --enable-cet --with-nogui --enable-pci && make
# VMLINUZ   a kernel of 5.16 or later with a serial console and an initial RAM disk built in, as Debian's are
# Debian packages: bochsbios vgabios busybox-static isolinux syslinux-common genisoimage
set -eu
bochs=$1
kernel=$2
program=${3:-build/release/tests/core_inference_cpu_test}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/tmp" "$root/lib" "$root/lib64" "$work/iso/isolinux"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh mount grep sleep; do ln -s busybox "$root/bin/$name"; done
cp "$program" "$root/bin/program"
strip "$root/bin/program"
ldd "$program" | grep -o '/lib[^ ]*' | while read -r library; do
  case $library in
    /lib64/*) cp -L "$library" "$root/lib64/" ;;
    *) cp -L "$library" "$root/lib/" ;;
  esac
done
cat > "$root/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
export LD_LIBRARY_PATH=/lib
grep -m1 -o 'amx[a-z0-9_ ]*' /proc/cpuinfo
program --gtest_filter='*/amx' --gtest_color=no
echo "exit status $?"
sleep 1
busybox poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | busybox cpio -o -H newc 2> /dev/null | gzip -1 > "$work/iso/initrd.gz")

cp "$kernel" "$work/iso/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/isolinux/"
cat > "$work/iso/isolinux/isolinux.cfg" <<'BOOT'
DEFAULT linux
TIMEOUT 1
LABEL linux
 KERNEL /vmlinuz
 INITRD /initrd.gz
 APPEND console=ttyS0 nokaslr mitigations=off nosmp acpi=off tsc=reliable no_timer_check lpj=4000000 quiet panic=1
BOOT
genisoimage -quiet -o "$work/boot.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
  -boot-load-size 4 -boot-info-table -J -R "$work/iso"

cat > "$work/bochsrc" <<BOCHSRC
megs: 1024
cpu: model=sapphire_rapids, count=1, ips=50000000
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
display_library: nogui
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=report
BOCHSRC
timeout 1200 "$bochs" -q -f "$work/bochsrc" > /dev/null 2>&1 < /dev/null &
emulator=$!
for _ in $(seq 1200); do
  sleep 1
  if grep -a -q 'System halted\|Kernel panic' "$work/serial" 2> /dev/null; then break; fi
done
kill "$emulator" 2> /dev/null || true
tr -d '\r' < "$work/serial" | grep -a -v '^\[ *[0-9.]*\]'
grep -a -q '\[  PASSED  \] [1-9]' "$work/serial" && grep -a -q 'exit status 0' "$work/serial"
