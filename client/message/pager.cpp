#include "client/message/pager.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/message_archive.hpp"

namespace beckon::client::message {

using documents::Cpim;
using documents::Imdn;
using sip::HeaderId;

namespace {

constexpr std::string_view text_type = "text/plain;charset=UTF-8";

/// Notifications wait behind texts, and no more of them than this: a peer that sends many messages gets no
/// more of our time.
constexpr std::size_t notifications_waiting_max = Outbox::requests_max / 2;

/// Empty unless it names a user.
std::string aor_of(const Result<sip::NameAddr>& address) {
  const bool usable = address && address->uri.is_sip() && !address->uri.user.empty();
  return usable ? sip::canonical_aor(address->uri) : std::string();
}

/// The AOR of an address inside message/cpim, of the schemes im, sip and sips; empty for others.
std::string aor_of(const documents::CpimAddress& address) {
  const auto uri = sip::parse_uri(address.uri);
  if (!uri || !(uri->is_sip() || uri->scheme == "im")) return {};
  return sip::canonical_aor(*uri);
}

/// The AOR of "sip:bob@example.org;gr=...", of which the peer is known.
std::string aor_of(const std::string& uri) {
  const auto parsed = sip::parse_uri(uri);
  return parsed ? sip::canonical_aor(*parsed) : uri;
}

/// The sender that P-Asserted-Identity names (RFC 3325); empty without one.
std::string asserted_sender(const sip::Message& message) {
  for (const auto value : message.values(HeaderId::p_asserted_identity)) {
    if (auto aor = aor_of(sip::parse_name_addr(value)); !aor.empty()) return aor;
  }
  return {};
}

}  // namespace

Pager::Pager(account::Context& context, Options options, OnId on_id)
    : context_(context),
      options_(std::move(options)),
      on_id_(std::move(on_id)),
      outbox_(context),
      typing_(context, [this](const std::string& to, bool active, Now now) {
        send_status(to, active, [](int, std::string_view, Now) {}, now);
      }) {}

void Pager::note(const std::string& from, const std::string& id) const {
  if (on_id_) on_id_(from, id);
}

void Pager::learn(bool is_new) const {
  if (is_new && options_.on_peers_changed) options_.on_peers_changed(options_.peers);
}

// --- texts out

Outbox::Request Pager::make_plain(const Text& text) const {
  Outbox::Request request{
      .to = text.to, .content_type = std::string(text_type), .body = text.text, .call_id = text.call_id};
  request.on_made = [this, call_id = text.call_id](std::uint32_t cseq) {
    note({}, documents::message_id(call_id, cseq));
  };
  return request;
}

Outbox::Request Pager::make_cpim(const Text& text, Now now) const {
  const Cpim cpim{
      .from = {.uri = context_.account.aor},
      .to = {{.uri = text.peer}},
      .date_time = print_time(now.wall),
      .message_id = text.call_id,
      .wanted = {.positive_delivery = true, .negative_delivery = true, .processing = true, .display = true},
      .content_type = std::string(text_type),
      .content = text.text};
  return {.to = text.to,
          .content_type = std::string(documents::cpim_type),
          .body = print(cpim),
          .call_id = text.call_id};
}

void Pager::send(const std::string& to, std::string text, Ask ask, Sent done, Now now) {
  Text sent{to, aor_of(to), std::move(text), context_.random.token(12), std::move(done)};
  typing_.on_sent(to, now);
  const Peers::Form form = options_.peers.form_of(sent.peer, now.wall);
  bool asked =
      ask == Ask::yes ? form != Peers::Form::plain : ask == Ask::as_known && form == Peers::Form::cpim;
  Outbox::Request request;
  if (asked) request = make_cpim(sent, now);
  asked = asked && outbox_.fits(request);
  if (!asked) request = make_plain(sent);
  const auto refuse = [&sent, now](int status, const char* why) {
    sent.done({.status = status, .reason = why, .message_id = documents::message_id(sent.call_id, 1)}, now);
  };
  if (!outbox_.fits(request)) return refuse(513, "longer than a MESSAGE may be (RFC 3428 8)");
  request.done = [this, sent, asked](int status, const sip::Message* response, Now at) {
    on_answer(sent, asked, status, response, at);
  };
  if (asked) {
    receipts_.on_sent(sent.call_id, sent.peer, sent.call_id);
    note({}, sent.call_id);
  }
  if (!outbox_.send(std::move(request), now)) refuse(500, "too many messages wait for their answers");
}

void Pager::on_answer(const Text& text, bool asked, int status, const sip::Message* response, Now now) {
  if (asked && status == 415 && response != nullptr) {
    learn(options_.peers.set_form(text.peer, Peers::Form::plain, now.wall));
    // "The client SHOULD retry the request, this time only using content with types listed in the Accept
    // header field" (RFC 3261 21.4.13, 8.1.3.5).
    auto request = make_plain(text);
    request.cseq = response->cseq()->number + 1;
    request.done = [this, text](int next, const sip::Message* answer, Now at) {
      on_answer(text, false, next, answer, at);
    };
    return outbox_.send_next(std::move(request), now);
  }
  const std::uint32_t cseq = response != nullptr ? response->cseq()->number : 1;
  const std::string message_id = asked ? text.call_id : documents::message_id(text.call_id, cseq);
  // COMPAT: linphone tells what became of a plain text, too, and calls it by its Call-ID.
  if (!asked) receipts_.on_sent(text.call_id, text.peer, message_id);
  using account::Requester;
  text.done({.status = Requester::status_of(status, response),
             .reason = std::string(Requester::reason_of(status, response)),
             .message_id = message_id,
             .asked = asked},
            now);
}

// --- typing out

void Pager::type(const std::string& to, bool active, Done done, Now now) {
  if (!options_.peers.takes_typing(aor_of(to), now.wall))
    return done(415, "this user takes no typing notices", now);
  const bool tell = active ? typing_.compose(to, now) : typing_.stop(to, now);
  tell ? send_status(to, active, std::move(done), now) : done(200, {}, now);
}

void Pager::send_status(const std::string& to, bool active, Done done, Now now) {
  const std::uint32_t refresh_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(Composer::refresh).count();
  documents::IsComposing composing{.active = active, .content_type = "text/plain"};
  if (active) composing.refresh_seconds = refresh_seconds;
  Outbox::Request request{.to = to,
                          .content_type = std::string(documents::is_composing_type),
                          .body = print(composing),
                          .call_id = context_.random.token(12),
                          // It is of no use later: a server need not keep it for the user.
                          .expires = refresh_seconds};
  request.done = [this, to, done](int status, const sip::Message* response, Now at) {
    // "The composer MUST cease transmitting status messages if the receiver returned a 415" (RFC 3994 4).
    if (status == 415) {
      learn(options_.peers.refuse_typing(aor_of(to), at.wall));
      typing_.on_sent(to, at);
    }
    done(account::Requester::status_of(status, response), account::Requester::reason_of(status, response),
         at);
  };
  if (!outbox_.send(std::move(request), now)) done(500, "too many messages wait for their answers", now);
}

// --- notifications out

bool Pager::displayed(const std::string& from, const std::string& message_id, Now now) {
  const auto owed = receipts_.take_display(from, message_id);
  if (owed) notify(*owed, Imdn::Kind::display, Imdn::Status::displayed, now);
  return owed.has_value();
}

void Pager::all_displayed(const std::string& from, Now now) {
  for (const Owed& owed : receipts_.take_displays(from))
    notify(owed, Imdn::Kind::display, Imdn::Status::displayed, now);
}

void Pager::notify(const Owed& owed, Imdn::Kind kind, Imdn::Status status, Now now) {
  if (!options_.peers.takes_receipts(owed.to, now.wall) || outbox_.size() >= notifications_waiting_max)
    return;
  Outbox::Request request{.to = owed.to, .call_id = context_.random.token(12)};
  for (const auto form : {NotificationForm::full, NotificationForm::brief, NotificationForm::bare}) {
    auto notification =
        make_notification(owed, kind, status, context_.account.aor, form, context_.random, now.wall);
    request.content_type = std::move(notification.content_type);
    request.body = std::move(notification.body);
    if (outbox_.fits(request)) break;
  }
  if (!outbox_.fits(request)) return;
  request.done = [this, to = owed.to](int answer, const sip::Message*, Now at) {
    // It would be refused each time.
    if (answer == 415) learn(options_.peers.refuse_receipts(to, at.wall));
  };
  (void)outbox_.send(std::move(request), now);
}

// --- what comes in

const incoming::Services& Pager::services() const {
  static const incoming::Services services{.methods = {sip::Method::message}, .inflates = true};
  return services;
}

Pager::Sender Pager::sender_of(const incoming::Request& request) const {
  const std::string asserted = request.is_from_server() ? asserted_sender(request.message()) : std::string();
  if (!asserted.empty()) return {asserted, true};
  return {aor_of(request.message().from()), false};
}

void Pager::on_request(const incoming::Request& request, Now now) {
  const sip::Message& message = request.message();
  const auto content = read_content(message);
  if (!content) {
    auto reply = request.reply(content.error().status);
    if (content.error().status == 415) reply.add(HeaderId::accept, accepted_types);
    return request.respond(std::move(reply), now);
  }
  const Sender sender = sender_of(request);
  if (sender.aor.empty()) return request.respond(400, now);
  if (content->cpim) learn(options_.peers.set_form(sender.aor, Peers::Form::cpim, now.wall));
  std::optional<Owed> owed;
  switch (content->kind) {
    case Content::Kind::text:
      owed = take_text(message, sender, *content, now);
      break;
    case Content::Kind::notification:
      take_notifications(sender, *content, now);
      break;
    case Content::Kind::composing:
      typing_.on_status(sender.aor, content->composing.active, content->composing.refresh_seconds, now);
      break;
  }
  request.respond(200, now);
  if (owed) acknowledge(*owed, content->cpim->wanted, now);
}

std::optional<Owed> Pager::take_text(const sip::Message& message, const Sender& sender,
                                     const Content& content, Now now) {
  const Cpim cpim = content.cpim.value_or(Cpim{});
  const std::string message_id = cpim.message_id.empty()
                                     ? documents::message_id(message.call_id(), message.cseq()->number)
                                     : cpim.message_id;
  if (!receipts_.on_received(sender.aor + ' ' + message_id)) return std::nullopt;
  note(aor_of(message.from()), message_id);
  typing_.on_message(sender.aor, now);
  boost::json::object event = control::make_event("message", now);
  event["from"] = sender.aor;
  event["text"] = content.text;
  event["asserted"] = sender.asserted;
  event["message_id"] = message_id;
  if (!content.media_type.empty()) event["content_type"] = content.media_type;
  // The server vouches for the sender of the request, not for what is written inside.
  if (!cpim.from.uri.empty() && aor_of(cpim.from) != sender.aor) event["claimed_from"] = cpim.from.uri;
  if (parse_time(cpim.date_time)) event["sent"] = cpim.date_time;
  if (!cpim.subject().empty()) event["subject"] = cpim.subject();
  context_.emit(std::move(event));
  if (!cpim.wanted.any() || cpim.message_id.empty() || sender.aor == context_.account.aor)
    return std::nullopt;
  return Owed{.to = sender.aor,
              .message_id = cpim.message_id,
              .date_time = cpim.date_time,
              .recipient = cpim.to.empty() ? context_.account.aor : cpim.to.front().uri,
              .original_to = cpim.original_to.uri,
              .record_route = cpim.record_route};
}

/// After the 200 (RFC 5438 12.1.3.1).
void Pager::acknowledge(const Owed& owed, const documents::Dispositions& wanted, Now now) {
  if (wanted.positive_delivery) notify(owed, Imdn::Kind::delivery, Imdn::Status::delivered, now);
  if (!wanted.display) return;
  receipts_.owe_display(owed);
  if (options_.displays) displayed(owed.to, owed.message_id, now);
}

/// None of them is answered with another: "The IM Sender MUST NOT send an IMDN for an IMDN" (RFC 5438 7.2.1).
void Pager::take_notifications(const Sender& sender, const Content& content, Now now) {
  for (const Imdn& imdn : content.notifications) {
    if (!receipts_.is_news(sender.aor, imdn)) continue;
    boost::json::object event = control::make_event("receipt", now);
    event["message_id"] = receipts_.name_of(imdn.message_id);
    event["state"] = to_string(imdn.status);
    event["from"] = sender.aor;
    if (const auto* const to = receipts_.recipient_of(imdn.message_id)) event["to"] = *to;
    context_.emit(std::move(event));
  }
}

}  // namespace beckon::client::message
