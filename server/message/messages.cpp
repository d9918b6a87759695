#include "server/message/messages.hpp"

#include <algorithm>
#include <memory>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/header_value.hpp"
#include "server/shard/request_step.hpp"

namespace beckon::server::message {

using proxy::Proxy;
using sip::HeaderId;

namespace {

/// For the operator: what became of a message, and nothing of what it says.
void note_outcome(const Request& request, std::string_view outcome) {
  log::info("message", "{} from {} to {}: {}", request.message.call_id(), request.identity.aor,
            request.resource ? request.resource->aor() : request.message.request_uri_text(), outcome);
}

}  // namespace

/// A MESSAGE that is stored: 202.
class Messages::Store final : public RequestStep {
 public:
  Store(Messages& messages, RequestPtr request, Stored message, Why why, std::vector<Refusal> refusals)
      : RequestStep(messages.services_, std::move(request)),
        messages_(messages),
        addition_(messages.boxes_, *this->request().resource, std::move(message)),
        why_(why),
        refusals_(std::move(refusals)) {}

  bool prepare(store::Batch& batch, Now now) override {
    const auto room = addition_.prepare(batch, now);
    if (room != Boxes::Addition::Room::enough) {
      addition_.drop();
      refuse(room);
      return false;
    }
    promise(batch, request().reply(202).finish());
    return true;
  }
  void apply(Now now) override { addition_.apply(now); }
  void announce(Now now) override {
    note_outcome(request(), "stored");
    messages_.archive_.note(request(), archive::MessageState::stored);
    messages_.latecomers_.on_stored(request(), addition_.number());
    // A device that registered meanwhile has found nothing yet; the others have just failed.
    addition_.announce(now, why_ == Why::away ? request().now.mono : Time::min());
    for (const Refusal& refusal : refusals_)
      if (refusal.may_take_later)
        messages_.attempts_.pause(addition_.user(), refusal.device, addition_.number(), now);
  }
  void refuse(ErrorCode why, Now now) override {
    note_outcome(request(), "not stored: " + why.message());
    addition_.drop();
    messages_.latecomers_.on_stored(request(), 0);
    RequestStep::refuse(why, now);
  }

 private:
  void refuse(Boxes::Addition::Room room) {
    const bool has_it = room == Boxes::Addition::Room::has_it;
    note_outcome(request(), has_it ? "stored before" : "refused: no room");
    messages_.latecomers_.on_stored(request(), has_it ? addition_.number() : 0);
    if (has_it) return services().respond(request(), 202);
    if (room == Boxes::Addition::Room::too_large) return services().respond(request(), 413);
    auto reply = request().reply(480, "Too Many Messages Wait");
    reply.add(HeaderId::warning,
              "399 beckond \"There is no room for further messages of this sender to this user\"");
    services().respond(request(), std::move(reply).finish());
  }

  Messages& messages_;
  Boxes::Addition addition_;
  Why why_;
  std::vector<Refusal> refusals_;
};

/// A message of the server's own, or a notification out of somebody's outbox.
class Messages::Note final : public store::Step {
 public:
  Note(Messages& messages, Entry& user, Stored message, Boxes::Addition::TextOf text_of)
      : messages_(messages), addition_(messages.boxes_, user, std::move(message)) {
    if (text_of) addition_.set_text(std::move(text_of));
  }
  Note(Messages& messages, Entry& user, Stored message, Outbox::Notice notice)
      : messages_(messages),
        addition_(messages.boxes_, user, std::move(message)),
        notice_(std::move(notice)) {}

  bool prepare(store::Batch& batch, Now now) override {
    const bool is_known = notice_ && messages_.outbox_.is_known(addition_.user(), *notice_);
    if (!is_known && addition_.prepare(batch, now) == Boxes::Addition::Room::enough) {
      if (notice_) Outbox::note(batch, *notice_);
      return true;
    }
    addition_.drop();
    if (notice_) messages_.confirm(*notice_);
    return false;
  }
  void apply(Now now) override {
    own_ = addition_.message();
    addition_.apply(now);
    if (notice_) messages_.outbox_.noted(addition_.user(), *notice_, now);
  }
  void announce(Now now) override {
    if (notice_) messages_.confirm(*notice_);
    const Entry& user = addition_.user();
    // Its sender has not written it.
    const archive::Passage passage{.at = user.bucket(), .recipient = user.aor(), .time = own_.arrived};
    if (const auto request = request_of(own_))
      messages_.archive_.note(*request, passage, archive::MessageState::stored);
    addition_.announce(now, Time::min());
  }
  /// A notification is handed over again.
  void refuse(ErrorCode why, Now) override {
    if (!notice_)
      log::info("message", "a message of the server's own for {} is lost: {}", addition_.user().aor(),
                why.message());
    addition_.drop();
  }

 private:
  Messages& messages_;
  Stored own_;  ///< Once it is applied.
  Boxes::Addition addition_;
  std::optional<Outbox::Notice> notice_{};
};

Messages::Messages(Parts parts, const crypto::Key32& key)
    : services_(parts.services),
      peers_(parts.peers),
      users_(parts.users),
      proxy_(parts.proxy),
      archive_(parts.archive),
      outbox_(parts.services,
              [this](Outbox::Notice notice) {
                const Bucket at = bucket_of(notice.to);
                return peers_.post<Messages>(at, std::move(notice));
              }),
      boxes_(parts.services, outbox_, *this),
      attempts_({parts.services, parts.sender, parts.locator, parts.registrar, boxes_}, key),
      latecomers_(boxes_, attempts_, parts.services.clock()),
      patience_timer_(parts.services.timers()) {
  archive_.observe_reading([this](Entry& user, const std::string& sender, const std::string& id) {
    boxes_.end_read(user, sender, id);
  });
}

Serves Messages::serves() const { return {.methods = {sip::Method::message}, .accepts = {"text/plain"}}; }

bool Messages::is_for_user(const Request& request) const {
  return request.resource && services_.settings().serves(domain_of_aor(request.resource->aor()));
}

/// Only what is for one of our users, whatever the device, and for longer than the moment.
bool Messages::may_be_kept(const Request& request) const {
  const Duration longest = services_.settings().messages.kept;
  if (!is_for_user(request) || is_of_the_moment(request.message) ||
      time_left(request.message, request.now.wall, longest) == Duration::zero())
    return false;
  const auto uri = sip::view_uri(request.message.request_uri_text());
  return uri && !uri->parameter("gr");
}

void Messages::on_request(const RequestPtr& request) {
  if (is_for_user(*request) && has_expired(request->message, request->now.wall))
    return services_.respond(*request, 480, "Message Has Expired");
  if (!may_be_kept(*request)) {
    return proxy_.deliver(
        request,
        [this](const RequestPtr& asked, Proxy::Unreachable why) {
          proxy::answer_unreachable(services_, asked, why);
        },
        [this](const RequestPtr& asked, const Proxy::Outcome& outcome, Now) {
          note_accepted(*asked, outcome.status);
          if (outcome.status >= 300) note_outcome(*asked, fmt::format("refused with {}", outcome.status));
          return false;
        });
  }
  Entry& user = *request->resource;
  if (attempts_.is_left_alone(user, request->identity.aor)) return store(request, Why::left_alone);
  const bool waits = attempts_.waits_from(user, request->identity.aor, request->now);
  if (waits && !(refuses_ && refuses_(user, request->identity.aor))) return store(request, Why::in_order);
  relay(request);
}

void Messages::relay(const RequestPtr& request) {
  be_patient(request->id);
  proxy_.deliver(
      request,
      [this](const RequestPtr& asked, Proxy::Unreachable why) {
        // The search for devices took longer than the patience.
        if (latecomers_.has(*asked)) return latecomers_.on_end(*asked, 0, {});
        if (why == Proxy::Unreachable::offline) return store(asked, Why::away);
        proxy::answer_unreachable(services_, asked, why);
      },
      [this](const RequestPtr& asked, const Proxy::Outcome& outcome, Now) {
        return on_relayed(asked, outcome);
      });
}

bool Messages::on_relayed(const RequestPtr& request, const Proxy::Outcome& outcome) {
  if (latecomers_.has(*request)) {
    latecomers_.on_end(*request, outcome.status, outcome.device ? device_of(*outcome.device) : std::string());
    return true;
  }
  note_accepted(*request, outcome.status);
  if (!outcome.is_absent) {
    if (outcome.status >= 300) note_outcome(*request, fmt::format("refused with {}", outcome.status));
    return false;
  }
  store(request, Why::away, refusals_of(outcome.refusals));
  return true;
}

std::vector<Refusal> Messages::refusals_of(const std::vector<Proxy::Refusal>& all) {
  std::vector<Refusal> refusals;
  for (const Proxy::Refusal& each : all) refusals.push_back({device_of(each.device), each.may_take_later});
  return refusals;
}

/// 202: it was taken for later, by a server or for a user behind the device (RFC 3428 7).
void Messages::note_accepted(const Request& request, int status) {
  if (status >= 300) return;
  note_outcome(request, status == 202 ? "accepted for later" : "delivered");
  archive_.note(request, status == 202 ? archive::MessageState::stored : archive::MessageState::delivered);
}

// A device that does not answer must not keep the sender waiting: that would give up (64*T1), and not learn
// that the message was stored.

void Messages::be_patient(transaction::TransactionId id) {
  const Time until = services_.clock().now().mono + services_.settings().messages.patience;
  patience_.emplace_back(until, id);
  if (!patience_timer_.is_set())
    patience_timer_.set(until, [this](Time) { on_patience(services_.clock().now()); });
}

void Messages::on_patience(Now now) {
  while (!patience_.empty() && patience_.front().first <= now.mono) {
    const auto taken = proxy_.take_over(
        patience_.front().second, [this](const RequestPtr& asked, const Proxy::Refusal& refusal, Now) {
          latecomers_.on_refusal(*asked, {device_of(refusal.device), refusal.may_take_later});
        });
    patience_.pop_front();
    if (!taken.request) continue;
    latecomers_.add(taken.request);
    store(taken.request, Why::away, refusals_of(taken.refusals));
  }
  if (!patience_.empty())
    patience_timer_.set(patience_.front().first, [this](Time) { on_patience(services_.clock().now()); });
}

void Messages::store(const RequestPtr& request, Why why, std::vector<Refusal> refusals) {
  const Now came = request->now;
  const Duration left = time_left(request->message, came.wall, services_.settings().messages.kept);
  Stored message{.sender = request->identity.aor,
                 .is_proven = request->identity.authenticated,
                 .arrived = came.wall,
                 .granted = left,
                 .ends = came.mono + left,
                 .text = text_to_keep(request->message, came.wall),
                 .why = why};
  for (const Refusal& refusal : refusals)
    message = Inbox::refused_for_now(std::move(message), refusal.device);
  request->resource->add(
      std::make_unique<Store>(*this, request, std::move(message), why, std::move(refusals)));
}

void Messages::leave(Leave left) {
  const std::string user = left.user;
  if (!peers_.post<Messages>(bucket_of(user), std::move(left)))
    log::info("message", "a message of the server's own for {} is lost: too much waits", user);
}

Stored Messages::draft(const Leave& left, Bucket at, Now now) {
  auto builder = sip::Builder::request("MESSAGE", left.user);
  builder.add(HeaderId::from, '<' + left.from + ">;tag=" + services_.mint(at))
      .add(HeaderId::to, '<' + left.user + '>')
      .add(HeaderId::call_id, services_.mint(at))
      .add(HeaderId::cseq, "1 MESSAGE")
      .add(HeaderId::max_forwards, 70U)
      .add(HeaderId::date, sip::print_date(std::chrono::floor<std::chrono::seconds>(now.wall)));
  const auto from = sip::parse_uri(left.from);
  return {.sender = from ? sip::canonical_aor(*from) : std::string(),
          .arrived = now.wall,
          .granted = services_.settings().messages.kept,
          .ends = now.mono + services_.settings().messages.kept,
          .text = std::move(builder).finish(left.type, left.body)};
}

void Messages::restore(const store::Record& record, Now now) {
  boxes_.restore(record, now);
  outbox_.restore(record, now);
}

void Messages::restored(Now now) {
  attempts_.restored(now);
  outbox_.restored();
}

void Messages::on(const Leave& left, Bucket at, Now now) {
  Stored message = draft(left, at, now);
  message.kind = Kind::own;
  message.topic = left.topic;
  Boxes::Addition::TextOf text_of;
  if (!left.topic.empty()) {
    text_of = [this, left, at, now](std::uint32_t times) {
      Leave again = left;
      if (times > 1) again.body = std::to_string(times) + ' ' + left.body_again;
      return draft(again, at, now).text;
    };
  }
  users_.find_user(left.user,
                   [this, user = left.user, message, text_of](const Result<store::UserPtr>& found) {
                     if (!found || !*found || message.granted == Duration::zero()) return;
                     const EntryPtr entry = services_.directory().get(user);
                     entry->add(std::make_unique<Note>(*this, *entry, message, text_of));
                   });
}

/// Of a user who is gone nothing is told.
void Messages::on(const Outbox::Notice& notice, Bucket at, Now now) {
  Stored message = draft({.user = notice.to,
                          .from = notice.from,
                          .type = std::string(documents::cpim_type),
                          .body = notice.body},
                         at, now);
  users_.find_user(notice.to, [this, notice, message](const Result<store::UserPtr>& found) {
    if (!found) return;
    if (!*found || message.granted == Duration::zero()) return confirm(notice);
    const EntryPtr entry = services_.directory().get(notice.to);
    entry->add(std::make_unique<Note>(*this, *entry, message, notice));
  });
}

void Messages::confirm(const Outbox::Notice& notice) {
  peers_.post_back<Messages>(bucket_of(notice.from), Outbox::Told{notice.from, notice.key});
}

void Messages::mark(const Entry& user, const Stored& message, archive::MessageState state) {
  if (const auto request = request_of(message))
    archive_.mark(*request, {user.bucket(), message.sender, user.aor()}, state);
}

void Messages::on_delivered(Entry& user, const Stored& message, Now) {
  mark(user, message, archive::MessageState::delivered);
}

void Messages::on_failed(Entry& user, const Stored& message, Now) {
  mark(user, message, archive::MessageState::failed);
}

/// A removed user's messages go; one who is disabled may come back.
void Messages::on_user_gone(std::string_view aor, bool removed, Now) {
  const EntryPtr user = removed ? services_.directory().find(aor) : nullptr;
  if (user) boxes_.remove_all(*user);
}

}  // namespace beckon::server::message
