#include "tests/simulation/phone.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/sip/builder.hpp"

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;
using transaction::TransactionId;

namespace {

constexpr transaction::Times phone_times;
/// Where the requests of a called phone begin, so that the log tells them from those of the caller.
constexpr std::uint32_t callee_cseq = 100;

}  // namespace

Phone::Phone(SipNetwork& network, const Address& server, Account account, PhoneHolder& holder, CallLog& log)
    : Station(network, server, std::move(account)), holder_(holder), log_(log) {}

Phone::~Phone() { end(Death::crash); }

void Phone::on_end() {
  for (const auto& [id, ring] : rings_) log_.ring_excused(ring.invite);
  rings_.clear();
  dialled_.clear();
  dialled_open_ = 0;
  talks_.clear();
}

/// What was to be sent down the connection is lost.
void Phone::on_cut(transaction::FlowId flow) {
  for (const auto& [id, ring] : rings_)
    if (ring.from.flow == flow) log_.ring_excused(ring.invite);
}

// Calls it makes

std::string Phone::call(const std::string& whom, const Calling& how) {
  const std::string call_id = fresh_name();
  if (!is_running()) return call_id;
  Dialled& dialled = dialled_[call_id];
  dialled.tag = fresh_name();
  dialled.how = how;
  ++dialled_open_;
  const std::string text = begin_request("INVITE", whom, whom, dialled.tag, call_id, 1) + "Contact: <" +
                           contact() + ">\r\n" + (how.hears_early_ends ? "Supported: 199\r\n" : "") +
                           "Content-Length: 0\r\n\r\n";
  dialled.id = layer().send(
      text, server_hop(), [this, call_id](const Outcome& outcome, Now) { on_dialled(call_id, outcome); },
      now());
  if (how.cancels_after) later(*how.cancels_after, [this, call_id] { cancel(dialled_.at(call_id)); });
  return call_id;
}

void Phone::cancel(Dialled& dialled) {
  if (!dialled.is_open || std::exchange(dialled.is_cancelled, true)) return;
  layer().cancel(dialled.id, {}, now());
}

void Phone::on_dialled(const std::string& call_id, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::provisional) return;
  Dialled& dialled = dialled_.at(call_id);
  if (!dialled.is_open) log_.fail(account().name + ": a second end of " + call_id);
  dialled.is_open = false;
  --dialled_open_;
  const sip::Message* response = outcome.response;
  if (response != nullptr && outcome.status / 100 == 2) take_2xx(*response);
  holder_.answered(*this, call_id, outcome.status);
  if (response == nullptr || outcome.status != 302 || !dialled.how.follows || dialled.is_cancelled) return;
  const auto contacts = response->contacts();
  if (contacts && !contacts->empty()) call(sip::print(contacts->front().uri), holder_.call_again(*this));
}

/// The first one is the call; of others the phone has no use, and says so (RFC 3261 13.2.2.4).
void Phone::take_2xx(const sip::Message& response) {
  const std::string call_id(response.call_id());
  const dialog::Id id{call_id, std::string(response.from_tag()), std::string(response.to_tag())};
  const auto cseq = response.cseq();
  if (Talk* known = find(id)) {
    if (cseq) acknowledge(*known, cseq->number);
    return;
  }
  const auto found = dialled_.find(call_id);
  if (found == dialled_.end() || found->second.tag != id.local_tag) return;  // of a call before its death
  Dialled& dialled = found->second;
  auto made = dialog::make_uac_dialog(response, false);
  if (!made) return log_.fail("a 2xx that makes no dialog\n" + std::string(response.text()));
  Talk& talk =
      talks_.emplace(id, Talk{.dialog = *made, .acknowledges = dialled.how.acknowledges}).first->second;
  acknowledge(talk, 1);
  if (std::exchange(dialled.is_answered, true) || dialled.is_cancelled)
    later(10ms, [this, id] { hang_up(id); });
  else
    begin(talk);
}

void Phone::acknowledge(Talk& talk, std::uint32_t cseq) {
  if (!talk.acknowledges) return;
  auto [text, is_new] = talk.acks.try_emplace(cseq);
  if (is_new) text->second = talk.dialog.make_ack(cseq).finish();
  layer().send_ack(text->second, server_hop(), now());
}

void Phone::on_response(const Hop&, const sip::Message& response, Now) { take_2xx(response); }

// Dialogs

Phone::Talk* Phone::find(const dialog::Id& id) {
  const auto found = talks_.find(id);
  return found == talks_.end() ? nullptr : &found->second;
}

std::size_t Phone::open_talks() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(talks_, [](const auto& each) { return !each.second.is_over; }));
}

void Phone::begin(Talk& talk) {
  if (talk.is_over || std::exchange(talk.has_begun, true)) return;
  ++talks_begun_;
  const Talking how = holder_.talk(*this);
  const dialog::Id id = talk.dialog.id;
  later(how.hangs_up_after, [this, id] { hang_up(id); });
  if (how.reinvites_after) later(*how.reinvites_after, [this, id] { reinvite(id); });
}

void Phone::hang_up(const dialog::Id& id) {
  Talk* talk = find(id);
  if (talk == nullptr || talk->is_over) return;
  talk->is_over = true;
  layer().send(talk->dialog.make_request("BYE").finish(), server_hop(), [](const Outcome&, Now) {}, now());
}

void Phone::reinvite(const dialog::Id& id) {
  Talk* talk = find(id);
  if (talk == nullptr || talk->is_over || std::exchange(talk->is_inviting, true)) return;
  auto request = talk->dialog.make_request("INVITE");
  const std::uint32_t cseq = talk->dialog.local_cseq;
  request.add(HeaderId::contact, '<' + contact() + '>');
  layer().send(
      std::move(request).finish(), server_hop(),
      [this, id, cseq](const Outcome& outcome, Now) {
        Talk* asked = find(id);
        if (outcome.kind == Outcome::Kind::provisional || asked == nullptr) return;
        asked->is_inviting = false;
        if (outcome.status / 100 == 2) {
          asked->dialog.on_response(*outcome.response);
          acknowledge(*asked, cseq);
        } else if (outcome.status == 481 || outcome.status == 408) {
          hang_up(id);  // RFC 3261 12.2.1.2, RFC 5057 5.1
        }
      },
      now());
}

void Phone::hang_up_everything() {
  if (!is_running()) return;
  for (auto& [call_id, dialled] : dialled_) cancel(dialled);
  std::vector<TransactionId> rings;
  for (const auto& [id, ring] : rings_) rings.push_back(id);
  for (const TransactionId id : rings) decide(id, 480);
  std::vector<dialog::Id> talks;
  for (const auto& [id, talk] : talks_)
    if (talk.has_begun) talks.push_back(id);  // others wait for their ACK
  for (const dialog::Id& id : talks) hang_up(id);
}

// Calls that come in

void Phone::on_request(TransactionId id, const Hop& from, const sip::Message& request, Now) {
  const bool is_in_dialog = !request.to_tag().empty();
  switch (request.method()) {
    case Method::invite:
      return is_in_dialog ? on_reinvite(id, request) : on_invite(id, from, request);
    case Method::bye: {
      Talk* talk = find(dialog::id_of_request(request));
      const bool is_known = talk != nullptr && !talk->is_over;
      if (is_known) talk->is_over = true;
      return respond(id, request, is_known ? 200 : 481);
    }
    case Method::message:  // who called in vain
      return respond(id, request, 200);
    default:
      return respond(id, request, 405);
  }
}

void Phone::answer_call(TransactionId id, const Ring& ring, int status, const std::string& its_contact) {
  auto reply = sip::Builder::reply(ring.invite, status, ring.tag);
  if (!its_contact.empty())
    reply.copy(ring.invite, HeaderId::record_route).add(HeaderId::contact, '<' + its_contact + '>');
  layer().respond(id, std::move(reply).finish(), now());
}

void Phone::on_invite(TransactionId id, const Hop& from, const sip::Message& invite) {
  const Answering how = holder_.answer(*this, invite);
  rings_[id] = {invite, fresh_name(), from};
  log_.ring_began(account().name, invite);
  if (how.rings_after)
    later(*how.rings_after, [this, id] {
      const auto found = rings_.find(id);
      if (found != rings_.end()) answer_call(id, found->second, 180, contact());
    });
  const Duration after = how.status == 0 ? longest_ringing : how.decides_after;
  later(after, [this, id, status = how.status == 0 ? 480 : how.status, elsewhere = how.elsewhere] {
    decide(id, status, elsewhere);
  });
}

void Phone::decide(TransactionId id, int status, const std::string& elsewhere) {
  const auto found = rings_.find(id);
  if (found == rings_.end()) return;
  const Ring ring = std::move(found->second);
  rings_.erase(found);
  log_.ring_ended(ring.invite);
  if (status / 100 != 2) return answer_call(id, ring, status, elsewhere);
  auto made = dialog::make_uas_dialog(ring.invite, ring.tag, false);
  if (!made) return log_.fail("an INVITE that makes no dialog\n" + std::string(ring.invite.text()));
  const std::uint32_t cseq = made->remote_cseq.value_or(0);
  const dialog::Id in = made->id;
  made->local_cseq = callee_cseq;
  Talk& talk = talks_.emplace(in, Talk{.dialog = *made}).first->second;
  talk.acknowledged[cseq] = false;
  auto reply = sip::Builder::reply(ring.invite, status, ring.tag);
  reply.copy(ring.invite, HeaderId::record_route).add(HeaderId::contact, '<' + contact() + '>');
  repeat_2xx(id, in, cseq, std::move(reply).finish(), now().mono + phone_times.timeout(), phone_times.t1);
}

void Phone::on_reinvite(TransactionId id, const sip::Message& invite) {
  const dialog::Id in = dialog::id_of_request(invite);
  Talk* talk = find(in);
  if (talk == nullptr || talk->is_over) return respond(id, invite, 481);
  if (talk->is_inviting) return respond(id, invite, 491);
  if (!talk->dialog.on_request(invite)) return respond(id, invite, 500);
  const std::uint32_t cseq = *talk->dialog.remote_cseq;
  talk->acknowledged[cseq] = false;
  auto reply = sip::Builder::reply(invite, 200, {});
  reply.add(HeaderId::contact, '<' + contact() + '>');
  repeat_2xx(id, in, cseq, std::move(reply).finish(), now().mono + phone_times.timeout(), phone_times.t1);
}

/// "If the server retransmits the 2xx response for 64*T1 seconds without receiving an ACK [...] This is
/// accomplished with a BYE" (RFC 3261 13.3.1.4).
void Phone::repeat_2xx(TransactionId id, const dialog::Id& in, std::uint32_t cseq, std::string text, Time end,
                       Duration pause) {
  Talk* talk = find(in);
  if (talk == nullptr || talk->acknowledged[cseq]) return;
  if (now().mono >= end) return hang_up(in);
  layer().respond(id, text, now());
  later(pause, [this, id, in, cseq, text = std::move(text), end, pause] {
    repeat_2xx(id, in, cseq, text, end, std::min(2 * pause, phone_times.t2));
  });
}

void Phone::on_ack(const Hop&, const sip::Message& ack, Now) {
  Talk* talk = find(dialog::id_of_request(ack));
  const auto cseq = ack.cseq();
  if (talk == nullptr || !cseq) return;
  const auto waits = talk->acknowledged.find(cseq->number);
  if (waits == talk->acknowledged.end() || std::exchange(waits->second, true)) return;
  begin(*talk);
}

void Phone::on_cancel(TransactionId id, const sip::Message&, Now) { decide(id, 487); }

}  // namespace beckon::simulation
