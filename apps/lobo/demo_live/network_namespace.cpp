#include "demo_live/network_namespace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "toolbox/program.hpp"

namespace lobo::app {
namespace {

using adapters::UniqueFile;

constexpr std::string_view what_to_do =
    "run it as root, or permit user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "user.max_user_namespaces above 0)";

UniqueFile here() {
  return UniqueFile(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), true);
}

bool write_to(const char* path, std::string_view text) {
  const UniqueFile file(::open(path, O_WRONLY | O_CLOEXEC), true);
  return file.get() >= 0 &&
         ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Whether the thread may make one; it is where it was afterwards.
int try_namespace() {
  const UniqueFile before = here();
  if (::unshare(CLONE_NEWNET) != 0) return errno;
  require(::setns(before.get(), CLONE_NEWNET) == 0);
  return 0;
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::create() {
  const UniqueFile before = here();
  if (::unshare(CLONE_NEWNET) != 0)
    return fail(Errc::forbidden,
                fmt::format("no network namespace: {} (CAP_SYS_ADMIN)", std::strerror(errno)));
  NetworkNamespace made(here());
  write_to("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  const auto up = ip({"link", "set", "lo", "up"});
  require(::setns(before.get(), CLONE_NEWNET) == 0);
  if (!up) return fail(up.error());
  if (made.descriptor() < 0) return fail(Errc::internal, "/proc is not mounted");
  return made;
}

Result<void> NetworkNamespace::enter() const {
  if (::setns(descriptor(), CLONE_NEWNET) != 0)
    return fail(Errc::forbidden, fmt::format("setns: {} (CAP_SYS_ADMIN)", std::strerror(errno)));
  return {};
}

Inside::Inside(const NetworkNamespace& there) : before_(here()) {
  require(there.enter().has_value());
}

Inside::~Inside() { require(::setns(before_.get(), CLONE_NEWNET) == 0); }

Result<std::string> may_make_namespaces() {
  const int refused = try_namespace();
  if (refused == 0) return std::string("CAP_SYS_ADMIN");
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0)
    return fail(Errc::forbidden,
                fmt::format("network namespaces need CAP_SYS_ADMIN ({}), or a user namespace, "
                            "which was refused ({}): {}",
                            std::strerror(refused), std::strerror(errno), what_to_do));
  write_to("/proc/self/setgroups", "deny");
  if (!write_to("/proc/self/uid_map", fmt::format("0 {} 1", user)) ||
      !write_to("/proc/self/gid_map", fmt::format("0 {} 1", group)))
    return fail(Errc::forbidden,
                fmt::format("network namespaces need CAP_SYS_ADMIN ({}), and a user namespace was "
                            "given, but no user in it ({}): {}",
                            std::strerror(refused), std::strerror(errno), what_to_do));
  // From here on there is no way back to where the process was: that belongs to other users. So it
  // stays in a namespace of its own, from which and to which it may go.
  if (::unshare(CLONE_NEWNET) != 0)
    return fail(Errc::forbidden,
                fmt::format("network namespaces are refused within a user namespace too ({}): {}",
                            std::strerror(errno), what_to_do));
  if (auto up = ip({"link", "set", "lo", "up"}); !up) return fail(up.error());
  return std::string("a user namespace");
}

Result<void> ip(const std::vector<std::string>& words, const std::vector<int>& files) {
  std::vector<std::string> all{"ip"};
  all.insert(all.end(), words.begin(), words.end());
  return run_program({.words = all, .files = files});
}

Result<void> forward_packets() {
  if (write_to("/proc/sys/net/ipv4/ip_forward", "1")) return {};
  return fail(Errc::forbidden, "the kernel does not let a namespace pass packets on (ip_forward)");
}

Result<void> join(const LinkEnd& one, const LinkEnd& other) {
  const Inside inside(one.space);
  // The first descriptor that a program is handed becomes its number 3.
  if (auto made = ip({"link", "add", one.name, "type", "veth", "peer", "name", other.name, "netns",
                      "/proc/self/fd/3"},
                     {other.space.descriptor()});
      !made)
    return made;
  for (const auto* end : {&one, &other}) {
    const Inside there(end->space);
    if (auto done = ip({"address", "add", end->address, "dev", end->name}); !done) return done;
    if (auto done = ip({"link", "set", end->name, "up"}); !done) return done;
  }
  return {};
}

std::vector<std::string> interfaces() {
  std::vector<std::string> names;
  struct if_nameindex* const all = ::if_nameindex();
  if (all == nullptr) return names;
  for (const struct if_nameindex* one = all; one->if_index != 0; ++one)
    if (std::string_view(one->if_name) != "lo") names.emplace_back(one->if_name);
  ::if_freenameindex(all);
  std::ranges::sort(names);
  return names;
}

std::size_t packet_sockets() {
  std::ifstream table("/proc/thread-self/net/packet");
  std::string line;
  std::size_t lines = 0;
  while (std::getline(table, line)) ++lines;
  return lines == 0 ? 0 : lines - 1;  // without its heading
}

std::size_t processes_in(const NetworkNamespace& space) {
  struct stat there{};
  if (::fstat(space.descriptor(), &there) != 0) return 0;
  std::size_t count = 0;
  std::error_code ignored;
  for (auto at = std::filesystem::directory_iterator("/proc", ignored);
       !ignored && at != std::filesystem::directory_iterator(); at.increment(ignored)) {
    if (!parse_decimal(at->path().filename().string())) continue;
    struct stat its{};
    if (::stat((at->path() / "ns/net").c_str(), &its) == 0 && its.st_ino == there.st_ino &&
        its.st_dev == there.st_dev)
      ++count;
  }
  return count;
}

}  // namespace lobo::app
