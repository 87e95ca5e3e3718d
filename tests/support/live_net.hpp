#pragma once
// A network namespace with a veth pair in it, lobo0 and lobo1, for one test. The calling thread is
// in it as long as this lives; with its last socket it is gone, and all that is in it.

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

extern char** environ;

namespace lobo::testing {

class LiveNet {
 public:
  static constexpr const char* near = "lobo0";
  static constexpr const char* far = "lobo1";

  /// nullptr where namespaces are not permitted; why_not() tells.
  static std::unique_ptr<LiveNet> make(std::size_t mtu = 1500) {
    auto net = std::unique_ptr<LiveNet>(new LiveNet);
    if (!net->enter() || !net->wire(mtu)) return nullptr;
    return net;
  }
  static std::string& why_not() {
    static std::string why;
    return why;
  }

  LiveNet(const LiveNet&) = delete;
  LiveNet& operator=(const LiveNet&) = delete;
  ~LiveNet() {
    if (pinned_) ::sched_setaffinity(0, sizeof before_, &before_);
    if (former_ >= 0 && in_it_ && !for_good_) (void)::setns(former_, CLONE_NEWNET);
    if (former_ >= 0) ::close(former_);
  }

  /// `ip` with these words in the namespace; whether it succeeded.
  static bool ip(const std::string& words) {
    std::istringstream stream("ip " + words);
    std::vector<std::string> parts;
    for (std::string part; stream >> part;) parts.push_back(part);
    std::vector<char*> arguments;
    for (auto& part : parts) arguments.push_back(part.data());
    arguments.push_back(nullptr);
    pid_t child = -1;
    int status = -1;
    if (::posix_spawnp(&child, "ip", nullptr, nullptr, arguments.data(), environ) != 0)
      return false;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return status == 0;
  }

  /// Root of a user namespace of this test's own: enough for packet sockets, not for BPF.
  bool in_user_namespace() const { return for_good_; }

 private:
  LiveNet() = default;

  bool enter() {
    former_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (::unshare(CLONE_NEWNET) != 0 && !enter_as_nobody()) {
      why_not() = fmt::format("no network namespace may be made here: {}", std::strerror(errno));
      return false;
    }
    in_it_ = true;
    // What is sent from one core arrives in order: the kernel's queues of received frames are per
    // core, and a thread that moves would have frames in two of them.
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &here);
    pinned_ = ::sched_setaffinity(0, sizeof here, &here) == 0;
    return true;
  }

  /// There is no way back from a user namespace: the whole process stays in it.
  bool enter_as_nobody() {
    const auto user = ::geteuid();
    const auto group = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    for_good_ = true;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", user);
    std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", group);
    return true;
  }

  bool wire(std::size_t mtu) {
    // No neighbour discovery between the frames of a test.
    std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << "1";
    if (ip(fmt::format("link add {} mtu {} type veth peer name {} mtu {}", near, mtu, far, mtu)) &&
        ip(fmt::format("link set {} up", near)) && ip(fmt::format("link set {} up", far)))
      return true;
    why_not() = "no veth pair can be made here: is iproute2 installed?";
    return false;
  }

  int former_ = -1;
  bool in_it_ = false;
  bool for_good_ = false;
  bool pinned_ = false;
  cpu_set_t before_{};
};

}  // namespace lobo::testing
