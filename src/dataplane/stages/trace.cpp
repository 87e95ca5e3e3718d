#include "dataplane/stages/trace.hpp"

#include "dataplane/rules/treatment.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::dataplane {
namespace {

PacketTrace::Opened opened(const Passage& passage) {
  PacketTrace::Opened opened;
  if (passage.marked) {
    opened.mark = passage.mark;
  } else if (passage.treatment->source == MarkSource::rtp_extension) {
    opened.unmarked_rtp = static_cast<RtpUnmarked>(passage.unmarked);
  } else {
    opened.unmarked_option = static_cast<xrm::Unmarked>(passage.unmarked);
  }
  return opened;
}

}  // namespace

PacketTrace trace_of(const Passage& passage) {
  PacketTrace trace;
  trace.unread = passage.view.unread;
  trace.signal = passage.signal;
  trace.arrival = passage.arrival;
  trace.verdict = passage.verdict;
  trace.options_removed = passage.removed;
  trace.stamped = passage.stamped;
  trace.drop = passage.drop;
  trace.answered = passage.answered;
  if (passage.octets > 0)
    trace.parsed = {passage.facts.flow, passage.octets, passage.facts.teid, passage.facts.qfi};
  if (passage.treatment == nullptr) return trace;
  const Treatment& rule = *passage.treatment;
  trace.classified = {
      .seid = passage.entry->session->seid(), .pdr = rule.rule->id, .source = rule.source};
  if (rule.has_qfi) trace.classified->qfi = rule.qfi;
  if (rule.source != MarkSource::none) trace.opened = opened(passage);
  if (passage.goes_on()) trace.sent_to = rule.to;
  return trace;
}

}  // namespace lobo::dataplane
