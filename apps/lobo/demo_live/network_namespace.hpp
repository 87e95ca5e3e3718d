#pragma once
// Network namespaces of a demo, which live as long as a descriptor of them or a process in them.
// Nobody has to clean up: when the demo ends, of whatever, the kernel takes back the interfaces,
// routes and addresses with the namespace.

#include <string>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"

namespace lobo::app {

class NetworkNamespace {
 public:
  /// A new one, with its loopback interface up and without IPv6, so that nobody's neighbour
  /// discovery stands between the packets. The calling thread stays where it is.
  static Result<NetworkNamespace> create();

  /// The calling thread goes there and stays.
  Result<void> enter() const;
  int descriptor() const { return file_.get(); }

 private:
  explicit NetworkNamespace(adapters::UniqueFile file) : file_(std::move(file)) {}
  adapters::UniqueFile file_;
};

/// The calling thread is there as long as this lives: what it opens and starts belongs there.
class Inside {
 public:
  explicit Inside(const NetworkNamespace& there);
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside();

 private:
  adapters::UniqueFile before_;
};

/// Makes sure that this process may make network namespaces: by its capability, else by becoming
/// root of a user namespace of its own, which only a process of one thread can. Says what it did:
/// "CAP_SYS_ADMIN", "a user namespace". The fault says which capability is missing and what to do.
Result<std::string> may_make_namespaces();

/// Runs `ip` with these words where the calling thread is.
Result<void> ip(const std::vector<std::string>& words, const std::vector<int>& files = {});

/// Where the calling thread is, the kernel passes packets on from one interface to another.
Result<void> forward_packets();

struct LinkEnd {
  const NetworkNamespace& space;
  std::string name;
  std::string address;  ///< with its prefix length: "10.100.6.1/24"
};
/// Joins two namespaces by a pair of virtual Ethernet interfaces, with addresses, up.
Result<void> join(const LinkEnd& one, const LinkEnd& other);

/// Names of the interfaces where the calling thread is, loopback left out.
std::vector<std::string> interfaces();
/// How many packet sockets (AF_PACKET) there are where the calling thread is.
std::size_t packet_sockets();
/// How many processes are in that namespace.
std::size_t processes_in(const NetworkNamespace& space);

}  // namespace lobo::app
