#include <cstddef>
#include <optional>

#include "base/bytes.hpp"
#include "base/few.hpp"
#include "wire/pfcp/codec.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/members.hpp"
#include "wire/pfcp/message_members.hpp"  // NOLINT(misc-include-cleaner): specialisations
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/repeated.hpp"

namespace lobo::pfcp {
namespace {

class Putter {
 public:
  explicit Putter(ByteWriter& out) : out_(out) {}

  template <class T>
  void operator()(Presence /*presence*/, IeType type, const T& member) {
    IeFrame frame(out_, type);
    if constexpr (Grouped<T>) {
      Members<T>::visit(member, *this);
    } else {
      write_value(out_, member);
    }
    frame.close();
  }
  template <class T>
  void operator()(Presence presence, IeType type, const std::optional<T>& member) {
    if (member) (*this)(presence, type, *member);
  }
  template <class T, std::size_t most>
  void operator()(Presence presence, IeType type, const Few<T, most>& member) {
    for (const T& one : member) (*this)(presence, type, one);
  }
  template <class T>
  void operator()(Presence presence, IeType type, const Repeated<T>& member) {
    for (const T& one : member) (*this)(presence, type, one);
  }

 private:
  ByteWriter& out_;
};

}  // namespace

template <class Message>
std::size_t write_message(MutableBytes out, const Envelope& envelope, const Message& message) {
  ByteWriter writer(out);
  open_message(writer, Message::type, envelope);
  Putter putter(writer);
  Members<Message>::visit(message, putter);
  return close_message(writer);
}

template std::size_t write_message(MutableBytes, const Envelope&, const HeartbeatRequest&);
template std::size_t write_message(MutableBytes, const Envelope&, const HeartbeatResponse&);
template std::size_t write_message(MutableBytes, const Envelope&, const AssociationSetupRequest&);
template std::size_t write_message(MutableBytes, const Envelope&, const AssociationSetupResponse&);
template std::size_t write_message(MutableBytes, const Envelope&, const AssociationUpdateRequest&);
template std::size_t write_message(MutableBytes, const Envelope&, const AssociationUpdateResponse&);
template std::size_t write_message(MutableBytes, const Envelope&, const AssociationReleaseRequest&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const AssociationReleaseResponse&);
template std::size_t write_message(MutableBytes, const Envelope&, const PfdManagementResponse&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const SessionSetDeletionResponse&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const SessionSetModificationResponse&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const SessionEstablishmentRequest&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const SessionEstablishmentResponse&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const SessionModificationRequest&);
template std::size_t write_message(MutableBytes, const Envelope&,
                                   const SessionModificationResponse&);
template std::size_t write_message(MutableBytes, const Envelope&, const SessionDeletionRequest&);
template std::size_t write_message(MutableBytes, const Envelope&, const SessionDeletionResponse&);
template std::size_t write_message(MutableBytes, const Envelope&, const SessionReportRequest&);
template std::size_t write_message(MutableBytes, const Envelope&, const SessionReportResponse&);

}  // namespace lobo::pfcp
