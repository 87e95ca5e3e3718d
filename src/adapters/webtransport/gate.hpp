#pragma once
// Browsers among native clients: a gate stands between QUIC and who uses its links. Links that
// speak something else than "h3" pass untouched; on one that does, the gate speaks HTTP/3 and
// WebTransport over it (RFC 9114, RFC 9297, draft-ietf-webtrans-http3), and what passes is the
// session: its datagrams and streams, under the number of the link. It opens no socket and reads no
// clock.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/webtransport/qpack.hpp"
#include "adapters/webtransport/tlv.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::webtransport {

inline constexpr std::string_view protocol = "h3";
inline constexpr std::size_t header_bytes_max = 16'384;
inline constexpr std::size_t settings_bytes_max = 4096;
inline constexpr std::size_t close_reason_bytes_max = 1024;  ///< of the capsule, by the draft

struct GateSettings {
  /// Whose pages may come in ("https://app.example"); "*": any. A request without an origin comes
  /// from no browser, and passes.
  std::vector<std::string> origins;
  std::string path;  ///< the one that is served; empty: any
};

class Gate final : public quic::Links, public quic::LinkEvents {
 public:
  Gate(GateSettings settings, quic::LinkEvents& above)
      : settings_(std::move(settings)), above_(above) {}
  /// What it stands on; outlives it. Before the first event.
  void stand_on(quic::Links& below) { below_ = &below; }
  std::size_t sessions() const { return sessions_.size(); }

  // What comes from below.
  void on_opened(quic::LinkId link, const quic::Opened& opened) override;
  void on_datagram(quic::LinkId link, Bytes datagram) override;
  void on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) override;
  void on_stream_reset(quic::LinkId link, quic::StreamNo stream, std::uint64_t code) override;
  void on_acked(quic::LinkId link, std::uint64_t tag) override { above_.on_acked(link, tag); }
  void on_lost(quic::LinkId link, std::uint64_t tag) override { above_.on_lost(link, tag); }
  void on_closed(quic::LinkId link, const quic::Closed& closed) override;

  // What comes from above.
  bool writable(quic::LinkId link) const override { return below_->writable(link); }
  std::size_t datagram_max(quic::LinkId link) const override;
  Result<void> send_datagram(quic::LinkId link, Bytes datagram, std::uint64_t tag) override;
  Result<quic::StreamNo> open_stream(quic::LinkId link, quic::StreamKind kind) override;
  Result<void> write_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets,
                            bool end) override;
  void reset_stream(quic::LinkId link, quic::StreamNo stream, std::uint64_t code) override;
  void close(quic::LinkId link, std::uint64_t code, std::string_view reason) override;
  quic::PathStats stats(quic::LinkId link) const override { return below_->stats(link); }

 private:
  /// What a stream of the other end is, as its first octets say.
  enum class Role : std::uint8_t { unknown, control, request, payload, ignored };
  struct Incoming {
    Role role = Role::unknown;
    std::vector<std::byte> head;
    TlvReader frames;
    TlvReader capsules;  ///< within the DATA frames of a session's request
    bool settings_seen = false;
    bool answered = false;
  };
  struct Session {
    quic::Opened below;
    std::map<quic::StreamNo, Incoming> streams;
    std::optional<quic::StreamNo> request;  ///< its number is the session's
    bool control_seen = false;
    bool told = false;    ///< on_opened() was called above
    bool ending = false;  ///< on_closed() was, or is to come from below
  };
  struct ControlFrames;
  struct RequestFrames;
  struct Capsules;

  Session* find(quic::LinkId link);
  const Session* find(quic::LinkId link) const;
  Checked take(quic::LinkId link, Session& session, quic::StreamNo stream, Bytes octets, bool end);
  Checked take_payload(quic::LinkId link, Session& session, quic::StreamNo stream, Bytes octets,
                       bool end);
  Checked find_role(quic::LinkId link, Session& session, quic::StreamNo stream, Incoming& incoming,
                    Bytes& octets);
  Checked take_request(quic::LinkId link, Session& session, quic::StreamNo stream, Bytes block);
  std::string_view judge(const std::map<std::string_view, std::string_view>& fields) const;
  void end_session(quic::LinkId link, Session& session, std::uint64_t code, std::string reason);
  void give_up(quic::LinkId link, Session& session, const Fault& why);

  GateSettings settings_;
  quic::LinkEvents& above_;
  quic::Links* below_ = nullptr;
  std::map<quic::LinkId, Session> sessions_;
  std::vector<std::byte> scratch_;
};

}  // namespace lobo::adapters::webtransport
