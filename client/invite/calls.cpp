#include "client/invite/calls.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::client::invite {

using sip::Method;

Calls::Calls(account::Context& context, call::Book& book, Ports& ports, Options options)
    : shared_{context,
              book,
              ports,
              options,
              *this,
              [this](Key key) {
                over_.push_back(key);
                sweep_.set(shared_.context.clock.now().mono, [this](Time) {
                  for (const Key each : std::exchange(over_, {})) calls_.erase(each);
                });
              }},
      sweep_(context.timers) {}

std::shared_ptr<Call> Calls::make() {
  const Key key = ++last_;
  return calls_.emplace(key, std::make_shared<Call>(shared_, key)).first->second;
}

std::shared_ptr<Call> Calls::find(Key key) const {
  const auto found = calls_.find(key);
  return found == calls_.end() ? nullptr : found->second;
}

std::shared_ptr<Call> Calls::find(std::string_view call_id, std::string_view local_tag) const {
  const auto found = std::ranges::find_if(calls_, [&](const auto& entry) {
    return entry.second->call_id() == call_id && entry.second->local_tag() == local_tag;
  });
  return found == calls_.end() ? nullptr : found->second;
}

Result<call::Number> Calls::dial(Dialled dialled, stream::Files files, Now now) {
  if (files.play.empty()) files.play = files_.play;
  if (files.record.empty()) files.record = files_.record;
  if (const auto readable = stream::check_readable(files); !readable) return readable.error();
  const auto call = make();
  auto number = call->dial(std::move(dialled), std::move(files), now);
  if (!number) calls_.erase(last_);
  return number;
}

// --- requests

const incoming::Services& Calls::services() const {
  static const incoming::Services own{
      .methods = {Method::invite, Method::bye, Method::prack, Method::update, Method::info},
      .option_tags = {"100rel", "timer"}};
  return own;
}

void Calls::on_request(const incoming::Request& request, Now now) {
  const sip::Message& message = request.message();
  if (!message.to_tag().empty()) {
    const auto call = find(message.call_id(), message.to_tag());
    return call ? call->on_request(request, now) : request.respond(481, now);
  }
  if (message.method() != Method::invite) return request.respond(481, now);
  const bool is_merged =
      std::ranges::any_of(calls_, [&](const auto& entry) { return entry.second->is_merged(message); });
  if (is_merged) return request.respond(482, now);
  if (calls_.size() >= calls_max) return request.respond(486, now);
  make()->ring(request, files_, now);
}

void Calls::on_ack(const sip::Message& ack, Now now) {
  if (const auto call = find(ack.call_id(), ack.to_tag())) call->on_ack(ack, now);
}

void Calls::on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) {
  for (const auto& [key, call] : std::map(calls_)) call->on_cancel(id, cancel, now);
}

void Calls::on_failure(transaction::TransactionId id, transaction::Failure why, Now now) {
  if (why != transaction::Failure::no_ack) return;
  for (const auto& [key, call] : std::map(calls_)) call->on_no_ack(id, now);
}

/// "the UAC MUST [...] acknowledge" each 2xx, and says BYE to those it does not want (RFC 3261 13.2.2.4).
void Calls::on_response(const sip::Message& response, Now now) {
  const auto call = find(response.call_id(), response.from_tag());
  if (call && call->on_late_success(response, now)) return;
  end_fork(response, now);
}

void Calls::end_fork(const sip::Message& success, Now now) {
  account::Context& context = shared_.context;
  auto made = dialog::make_uac_dialog(success, transaction::is_secure(context.connection.server.protocol));
  const auto cseq = success.cseq();
  if (!made || !cseq) return;
  const auto fork = std::make_shared<dialog::Dialog>(std::move(*made));
  context.layer.send_ack(fork->make_ack(cseq->number).finish(), context.hop(), now);
  context.requester.send(
      {.method = Method::bye,
       .uri = fork->remote_target,
       .make = [fork] { return fork->make_request("BYE"); },
       .owner = life_},
      context.hop(), [](int, const sip::Message*, Now) {}, now);
}

// --- what the user asks

bool Calls::answer(Key key, Now now) {
  const auto call = find(key);
  return call && call->answer(now);
}

bool Calls::reject(Key key, Now now) {
  const auto call = find(key);
  return call && call->reject(now);
}

void Calls::hang_up(Key key, Now now) {
  if (const auto call = find(key)) call->hang_up(now);
}

void Calls::withdraw(Key key, Now now) {
  if (const auto call = find(key)) call->withdraw(now);
}

void Calls::on_alone(Key key, Now now) {
  if (const auto call = find(key)) call->on_alone(now);
}

bool Calls::hold(Key key, bool held, Now now) {
  const auto call = find(key);
  return call && call->hold(held, now);
}

bool Calls::send_digits(Key key, std::string_view digits, Now now) {
  const auto call = find(key);
  return call && call->send_digits(digits, now);
}

std::optional<stream::CallStatistics> Calls::statistics(Key key) const {
  const auto call = find(key);
  return call ? call->statistics() : std::nullopt;
}

}  // namespace beckon::client::invite
