# shellcheck shell=bash
# Sourced by ./dev: builds the image, starts it, and has its own client screen the example postings on it.

image_version=$(sed -n 's/^project(sluice VERSION \([^ ]*\).*/\1/p' CMakeLists.txt)
image=localhost/sluice:$image_version
image_own_base=localhost/sluice-base:bookworm
image_ready_seconds=120
image_engine="" image_container="" image_server=0 image_work="" image_run_flags=()

# The first engine that answers; nothing where there is none: buildah in a chroot then does the work.
find_engine() {
  local engine
  for engine in docker podman; do
    if command -v $engine >/dev/null && $engine info >/dev/null 2>&1; then echo $engine; return; fi
  done
}

# Debian's own packages in place of a base image from a registry, taken from where this host's apt takes its own.
make_base() {
  buildah inspect --type image "$image_own_base" >/dev/null 2>&1 && return
  say "Making a base image with debootstrap (about 75 MB to fetch)"
  local container base mirror sources
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' | head -n 1)
  sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sort -u | sed -n '/ bookworm/p')
  container=$(buildah from scratch)
  base=$(buildah mount "$container")
  debootstrap --variant=minbase bookworm "$base" ${mirror:+"$mirror"} >"$image_work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$image_work/debootstrap.log" >&2; buildah rm "$container" >/dev/null; fail "debootstrap failed"; }
  [ -z "$sources" ] || printf '%s\n' "$sources" >"$base/etc/apt/sources.list"
  slim_down "$base"
  buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "$image_own_base" >/dev/null
}

# Leaves out what Debian's own slim images leave out, now and in what is installed later.
slim_down() {
  printf 'path-exclude /usr/share/%s/*\n' doc groff info linda lintian locale man >"$1/etc/dpkg/dpkg.cfg.d/slim"
  echo 'path-include /usr/share/doc/*/copyright' >>"$1/etc/dpkg/dpkg.cfg.d/slim"
  find "$1/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
  find "$1"/usr/share/{groff,info,linda,lintian,locale,man} -mindepth 1 -delete 2>/dev/null || true
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb "$1"/var/log/*.log
}

# How this host's apt gets through to its mirrors, for apt in the build; nothing of it stays in the image.
apt_settings() {
  apt-config dump | grep -E '^Acquire::(http|https)::' >"$image_work/apt.conf" || return 0
  echo "--volume=$image_work/apt.conf:/etc/apt/apt.conf.d/90host:ro"
}

# What the host already has is handed to the build under the name of the stage that would fetch or make it.
build_image() {
  local base=${SLUICE_BASE:-} format=() contexts=("--build-context=libtorch=$LIBTORCH_DIR" "--build-context=model=$SLUICE_MODEL")
  [ -z "${SLUICE_INSTALLED:-}" ] || contexts+=("--build-context=installed=$SLUICE_INSTALLED")
  if [ -n "$image_engine" ]; then
    say "Building $image with $image_engine"
    [ "$image_engine" != podman ] || format=(--format=docker)  # OCI's own has no health check
    "$image_engine" build --tag "$image" "${format[@]}" "${contexts[@]}" ${base:+--build-arg="BASE=$base"} .
    return
  fi
  [ "$(id -u)" = 0 ] || fail "there is no Docker or Podman here, and building with buildah in a chroot needs root"
  need_packages buildah debootstrap debian-archive-keyring
  [ -n "$base" ] || { make_base; base=$image_own_base; }
  say "Building $image with buildah in a chroot: there is no Docker or Podman here"
  # shellcheck disable=SC2046
  buildah build --isolation=chroot --format=docker --layers --tag "$image" --build-arg="BASE=$base" "${contexts[@]}" \
    $(apt_settings) .
}

# A command as the image's user, with $image_work/data as its data, on the host's network.
run_in_image() {
  local volumes=(--volume "$image_work/data:/data" --volume "$root/examples:/examples:ro")
  if [ -n "$image_engine" ]; then
    "$image_engine" run --rm --no-healthcheck --network=host --read-only --cap-drop=ALL --security-opt=no-new-privileges \
      "${volumes[@]}" "${image_run_flags[@]}" --entrypoint "$1" "$image" "${@:2}"
  else
    buildah run --isolation=chroot "${volumes[@]}" "$image_container" -- "$@"
  fi
}

# In a chroot the server has a number of the host's; the shell that becomes it leaves that behind.
start_server() {
  install -d -m 0777 "$image_work/data"
  image_run_flags=(--cidfile "$image_work/container")
  # shellcheck disable=SC2016
  run_in_image sh -c 'echo $$ >/data/pid; exec sluiced --listen=127.0.0.1:0 --admin=127.0.0.1:0 --ready-file=/data/ready.json' \
    >"$image_work/sluiced.log" 2>&1 </dev/null &
  image_server=$!
  image_run_flags=()
  local waited
  for ((waited = 0; waited < image_ready_seconds * 10; waited++)); do
    [ ! -s "$image_work/data/ready.json" ] || return 0
    kill -0 "$image_server" 2>/dev/null || { image_server=0; server_failed "did not start"; }
    sleep 0.1
  done
  server_failed "was not ready after $image_ready_seconds s"
}

server_failed() { cat "$image_work/sluiced.log" >&2; fail "the image's server $1"; }

stop_server() {
  local server=$image_server
  image_server=0
  if [ -n "$image_engine" ]; then
    "$image_engine" stop --time 60 "$(cat "$image_work/container")" >/dev/null
  else
    kill -TERM "$(cat "$image_work/data/pid")"
  fi
  wait "$server"
}

address_of() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$image_work/data/ready.json"; }

try_image() {
  [ -n "$image_engine" ] || image_container=$(buildah from --pull-never "$image")
  touch "$image_work/before"
  say "Starting the image's server"
  start_server
  python -c 'import sys, urllib.request as web; print("/readyz", web.urlopen(sys.argv[1], timeout=10).status)' \
    "http://$(address_of admin)/readyz"
  run_in_image sluice "--server=$(address_of grpc)" hardware
  say "Screening examples/postings.jsonl with the image's client"
  run_in_image sluice "--server=$(address_of grpc)" screen --profile=/examples/profile.yaml --jobs=/examples/postings.jsonl \
    --as-of=2026-01-15 --top=3
  say "What the image is made of, in MiB"
  # shellcheck disable=SC2016
  run_in_image sh -c 'for part in / /opt/sluice/lib /opt/sluice/model /opt/sluice/bin /usr /var; do du -xsm $part; done' \
    2>/dev/null || true
  stop_server || server_failed "ended with $? when it was drained"
  tail -n 1 "$image_work/sluiced.log"
  [ -n "$image_engine" ] || nothing_written
}

# A chroot's root cannot be made read-only, so it is looked at: the server must have written to its volume alone.
nothing_written() {
  local written
  written=$(find "$(buildah mount "$image_container")" -xdev -newer "$image_work/before" -type f)
  [ -z "$written" ] || fail "the image's server wrote outside of /data: $written"
  echo "nothing was written outside of /data"
}

leave_image() {
  [ "$image_server" = 0 ] || stop_server || true
  [ -z "$image_container" ] || buildah rm "$image_container" >/dev/null || true
  rm -rf "$image_work"
}

command_image() {
  need_libtorch
  need_model
  image_work=$(mktemp -d)
  trap leave_image EXIT
  image_engine=$(find_engine)
  build_image
  try_image
  say "Built $image"
}
