#include "dataplane/radio/conveyed.hpp"

#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::dataplane {

Conveyed read_conveyed(const gtpu::GtpuView& message, gtpu::Release release) noexcept {
  Conveyed conveyed;
  if (const auto* session = message.find(gtpu::type_pdu_session_container); session == nullptr) {
    conveyed.odd |= bit_of(Oddity::no_session_container);
  } else {
    gtpu::DlSession read;
    if (gtpu::read_dl_session(session->content, release, read) == gtpu::NotContainer::it_is) {
      conveyed.qfi = read.qfi;
      conveyed.sending_time = read.sending_time;
    } else {
      conveyed.odd |= bit_of(Oddity::session_container_unread);
    }
  }
  const auto* set = message.find_pdu_set_information();
  if (set == nullptr) return conveyed;
  if (!conveyed.qfi) conveyed.odd |= bit_of(Oddity::set_without_session);
  gtpu::PduSetInformation information;
  if (gtpu::read_pdu_set_information(set->content, information) != gtpu::NotContainer::it_is) {
    conveyed.odd |= bit_of(Oddity::set_container_unread);
    return conveyed;
  }
  if (!conveyed.qfi) return conveyed;
  if (*conveyed.qfi != information.qfi)
    conveyed.odd |= bit_of(Oddity::qfi_differs);
  else
    conveyed.mark = information.mark;
  return conveyed;
}

}  // namespace lobo::dataplane
