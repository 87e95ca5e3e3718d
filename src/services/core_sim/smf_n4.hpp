#pragma once
// N4 as the SMF has it (TS 29.244 clause 6.2): one association with each UPF, kept by heartbeats,
// and requests that are repeated until they are answered (clause 6.4). Datagrams and time go in,
// datagrams come out; what it means for sessions is N4User's.
//
// An association is lost when any request stays without answer, when the UPF says that it was born
// again, or when it asks to be released. Then all requests to it are forgotten, and it is set up
// anew, which makes the UPF forget the sessions that it had of us (clause 6.2.6.2.2).

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_config.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

inline constexpr std::size_t n4_datagram_bytes_max = 65'507;  ///< what UDP over IPv4 carries
inline constexpr std::size_t n4_answers_kept_max = 256;       ///< a UPF
inline constexpr std::size_t n4_bundled_max = 64;             ///< messages in one datagram

struct N4Endpoint {
  model::IpAddress address;
  std::uint16_t port = pfcp::udp_port;
  auto operator<=>(const N4Endpoint&) const = default;
};
struct N4Datagram {
  N4Endpoint to;
  std::vector<std::byte> bytes;
};

using UpfIndex = std::size_t;

/// What is answered to a session's report.
struct ReportAnswer {
  std::uint64_t seid = 0;  ///< of the UPF; 0 where we know no such session
  pfcp::SessionReportResponse response;
};

struct N4User {
  N4User() = default;
  N4User(const N4User&) = delete;
  N4User& operator=(const N4User&) = delete;
  virtual ~N4User() = default;
  virtual void upf_up(UpfIndex upf, Instant now) = 0;
  /// Every request under way to it is forgotten, without answered().
  virtual void upf_down(UpfIndex upf, Instant now) = 0;
  virtual void answered(std::uint32_t request, const pfcp::MessageView& response, Instant now) = 0;
  /// Once for each report, however often it comes.
  virtual ReportAnswer reported(UpfIndex upf, const pfcp::MessageView& report, Instant now) = 0;
};

class N4 {
 public:
  /// `config` passed check().
  N4(const SmfConfig& config, N4User& user, std::uint32_t first_sequence_number);

  /// Names the request for answered(). The association is up().
  template <class Message>
  std::uint32_t send(UpfIndex upf, std::uint64_t seid, const Message& message, Instant now) {
    require(upfs_[upf].phase == Phase::up);
    return request(upf, seid, message, Purpose::session, now);
  }

  /// The UPF says that it has no association with us: it is greeted anew.
  void greet_again(UpfIndex upf, Instant now) { lose(upf, "NO_ASSOCIATION", now, now); }

  void receive(const N4Endpoint& from, Bytes datagram, Instant now);
  /// Sends again, gives up, greets and asks for signs of life; the first call begins.
  void tick(Instant now);
  std::optional<Instant> next_due() const;
  std::vector<N4Datagram> take_datagrams() { return std::exchange(out_, {}); }

  struct State {
    bool up = false;
    std::string_view cause;  ///< why it is not up
    std::optional<pfcp::UpFeatures> features;
  };
  State state(UpfIndex upf) const;
  bool up(UpfIndex upf) const { return upfs_[upf].phase == Phase::up; }
  std::size_t size() const { return upfs_.size(); }
  std::size_t under_way() const { return requests_.size(); }
  std::uint64_t ignored() const { return ignored_; }
  std::uint32_t next_sequence_number() const { return next_sequence_; }

 private:
  enum class Phase : std::uint8_t { down, greeting, up };
  enum class Purpose : std::uint8_t { setup, heartbeat, release, session };
  struct KeptAnswer {
    N4Endpoint to;
    pfcp::MessageType type{};  ///< of the request
    std::uint32_t sequence = 0;
    std::vector<std::byte> bytes;
  };
  struct Upf {
    N4Endpoint at;
    Phase phase = Phase::down;
    Instant next{};  ///< down: the next greeting; up: the next heartbeat
    bool heartbeat_under_way = false;
    std::optional<pfcp::NtpSeconds> born;  ///< its Recovery Time Stamp
    std::optional<pfcp::UpFeatures> features;
    std::string_view cause = "NOT_ASKED_YET";
    std::deque<KeptAnswer> kept;  ///< the newest last
  };
  struct Request {
    UpfIndex upf = 0;
    Purpose purpose{};
    pfcp::MessageType answer{};
    std::vector<std::byte> bytes;
    unsigned repeats = 0;
    Instant due{};
  };

  template <class Message>
  std::vector<std::byte> written(std::uint64_t seid, std::uint32_t sequence,
                                 const Message& message) {
    const auto size =
        pfcp::write_message(room_, {.seid = seid, .sequence_number = sequence}, message);
    require(size > 0);  // The rules of a session are bounded so that they fit.
    return {room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size)};
  }
  template <class Message>
  std::uint32_t request(UpfIndex upf, std::uint64_t seid, const Message& message, Purpose purpose,
                        Instant now) {
    const auto sequence = fresh_sequence();
    constexpr auto answer =
        static_cast<pfcp::MessageType>(static_cast<std::uint8_t>(Message::type) + 1);
    Request made{upf, purpose, answer, written(seid, sequence, message), 0, now + config_.t1};
    out_.push_back({upfs_[upf].at, made.bytes});
    due_.emplace(made.due, sequence);
    requests_.emplace(sequence, std::move(made));
    return sequence;
  }
  template <class Message>
  void respond(const N4Endpoint& to, const pfcp::MessageView& asked, const Message& message) {
    out_.push_back({to, written(0, asked.envelope.sequence_number, message)});
  }

  std::uint32_t fresh_sequence();
  pfcp::NodeId node() const;
  std::optional<UpfIndex> upf_at(const N4Endpoint& from) const;
  void take(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now);
  void take_request(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view,
                    Instant now);
  void take_response(UpfIndex upf, const pfcp::MessageView& view, Instant now);
  void take_setup(UpfIndex upf, const pfcp::MessageView& view, Instant now);
  void greeted(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now);
  void updated(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now);
  void report(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now);
  bool answer_again(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view);
  void keep(UpfIndex upf, KeptAnswer answer);
  void seen_alive(UpfIndex upf, pfcp::NtpSeconds born, Instant now);
  void erase(std::uint32_t sequence);
  void forget_requests(UpfIndex upf);
  void begin(UpfIndex upf, pfcp::NtpSeconds born, std::optional<pfcp::UpFeatures> features,
             Instant now);
  void lose(UpfIndex upf, std::string_view cause, Instant retry, Instant now);
  void repeat_or_give_up(std::uint32_t sequence, Instant now);

  const SmfConfig& config_;
  N4User& user_;
  model::IpAddress own_;
  std::optional<pfcp::NtpSeconds> born_;  ///< ours; nothing before the first tick
  std::vector<Upf> upfs_;
  std::map<std::uint32_t, Request> requests_;
  std::set<std::pair<Instant, std::uint32_t>> due_;
  std::vector<N4Datagram> out_;
  std::vector<std::byte> room_;
  std::uint32_t next_sequence_;
  std::uint64_t ignored_ = 0;
};

}  // namespace lobo::core_sim
