#include "adapters/packet_io/netlink.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"

namespace lobo::adapters::packet_io {
namespace {

constexpr unsigned answers_looked_at_max = 8;  ///< of older questions, which nobody took

constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace

void NetlinkQuestion::put(const void* from, std::size_t count) {
  require(count <= body_.size() - size_);
  std::memcpy(body_.data() + size_, from, count);
  size_ += count;
}

void NetlinkQuestion::add_bytes(std::uint16_t attribute, Bytes value) {
  const rtattr header{.rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + value.size()),
                      .rta_type = attribute};
  require(padded(sizeof header + value.size()) <= body_.size() - size_);
  put(&header, sizeof header);
  put(value.data(), value.size());
  size_ = padded(size_);
}

std::optional<Bytes> NetlinkAnswer::attribute(std::uint16_t wanted, std::size_t head_bytes) const {
  std::size_t at = padded(head_bytes);
  while (const auto header = read_value<rtattr>(body, at)) {
    if (header->rta_len < sizeof(rtattr) || header->rta_len > body.size() - at) break;
    if (header->rta_type == wanted)
      return body.subspan(at + sizeof(rtattr), header->rta_len - sizeof(rtattr));
    at += padded(header->rta_len);
  }
  return std::nullopt;
}

Result<Netlink> Netlink::open() {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (socket < 0)
    return fail(Errc::refused, fmt::format("the kernel's routing socket: {}", strerror(errno)));
  return Netlink(UniqueFile(socket, true));
}

tl::expected<NetlinkAnswer, int> Netlink::ask(const NetlinkQuestion& question) {
  const auto body = question.body();
  const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(sizeof(nlmsghdr) + body.size()),
                        .nlmsg_type = question.type(),
                        .nlmsg_flags = NLM_F_REQUEST,
                        .nlmsg_seq = ++sequence_};
  std::array<std::byte, sizeof(nlmsghdr) + netlink_question_bytes_max> message{};
  std::memcpy(message.data(), &header, sizeof header);
  std::ranges::copy(body, message.begin() + sizeof header);
  if (::send(socket_.get(), message.data(), header.nlmsg_len, 0) < 0) return tl::unexpected(errno);
  for (unsigned i = 0; i < answers_looked_at_max; ++i) {
    const auto size = ::recv(socket_.get(), answer_.data(), answer_.size(), 0);
    if (size < 0) return tl::unexpected(errno);
    const Bytes all = Bytes(answer_).first(static_cast<std::size_t>(size));
    const auto head = read_value<nlmsghdr>(all);
    if (!head || head->nlmsg_seq != sequence_) continue;
    if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > all.size())
      return tl::unexpected(EPROTO);
    const Bytes content = all.first(head->nlmsg_len).subspan(sizeof(nlmsghdr));
    if (head->nlmsg_type != NLMSG_ERROR)
      return NetlinkAnswer{.type = head->nlmsg_type, .body = content};
    return tl::unexpected(-read_value<int>(content).value_or(-EPROTO));
  }
  return tl::unexpected(EPROTO);
}

}  // namespace lobo::adapters::packet_io
