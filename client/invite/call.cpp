#include "client/invite/call.hpp"

#include <algorithm>

#include "client/invite/dtmf_info.hpp"
#include "media/srtp/session.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::invite {

using sip::HeaderId;
using sip::Method;

namespace {

constexpr std::string_view suites[] = {"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"};

srtp::Profile profile_of(std::string_view suite) {
  return suite == suites[1] ? srtp::Profile::aes128_cm_sha1_32 : srtp::Profile::aes128_cm_sha1_80;
}

std::vector<sdp::Format> formats() {
  return {{111, "opus", 48000, 2, "useinbandfec=1"},
          {0, "PCMU", 8000, 1, {}},
          {8, "PCMA", 8000, 1, {}},
          {110, "telephone-event", 48000, 1, "0-15"},
          {101, "telephone-event", 8000, 1, "0-15"}};
}

/// The MKI as packets carry it (RFC 4568 6.1).
Bytes mki_of(const sdp::Crypto::Key& key) {
  Bytes out(key.mki ? key.mki_octets.value_or(1) : 0);
  std::uint64_t number = key.mki.value_or(0);
  for (auto octet = out.rbegin(); octet != out.rend(); ++octet, number >>= 8)
    *octet = static_cast<std::uint8_t>(number & 0xff);
  return out;
}

std::optional<stream::LegPlan::Key> key_of(const std::optional<sdp::Crypto>& crypto) {
  if (!crypto) return std::nullopt;
  const auto& key = crypto->keys.front();
  return stream::LegPlan::Key{profile_of(crypto->suite), key.key_and_salt, mki_of(key)};
}

stream::LegPlan make_plan(const sdp::Agreement& agreed) {
  stream::LegPlan out;
  out.codec.payload_type = agreed.format.payload_type;
  out.codec.name = agreed.format.encoding;
  out.codec.clock_rate = agreed.format.clock_rate;
  out.received_type = agreed.received_type;
  if (agreed.events)
    out.events = stream::LegPlan::Events{agreed.events->payload_type, agreed.events->clock_rate};
  out.received_events = agreed.received_events;
  out.remote = agreed.remote;
  out.remote_rtcp = agreed.remote_rtcp;
  out.sends = agreed.sends();
  out.receives = agreed.receives();
  out.local_key = key_of(agreed.local_key);
  out.remote_key = key_of(agreed.remote_key);
  return out;
}

}  // namespace

Call::Call(Shared& shared, Key key)
    : shared_(shared),
      key_(key),
      stage_(Stage::over),
      alert_timer_(shared.context.timers),
      reliable_timer_(shared.context.timers),
      success_timer_(shared.context.timers),
      session_timer_(shared.context.timers),
      change_timer_(shared.context.timers) {}

Call::~Call() = default;

bool Call::is_secured() const { return transaction::is_secure(shared_.context.connection.server.protocol); }

Result<void> Call::open_port() {
  account::Context& context = shared_.context;
  if (!shared_.identity) shared_.identity = std::make_unique<dtls::Identity>();
  transport_.emplace(*shared_.identity, context.random, context.timers, context.clock,
                     Transport::Handlers{[this](const Address& from, ByteView datagram) {
                                           if (leg_)
                                             leg_->on_datagram(from, datagram,
                                                               shared_.context.clock.now().mono);
                                         },
                                         [this] { on_transport_change(); }});
  const auto opened = transport_->open(shared_.ports, context.connection.server.local.ip);
  if (!opened) {
    transport_.reset();
    return opened.error();
  }
  audio_ = make_audio(shared_.options.security == Options::Security::dtls);
  negotiation_.emplace(audio_);
  if (audio_.dtls->offered) transport_->listen();
  return {};
}

sdp::Audio Call::make_audio(bool offers_dtls) const {
  Random& random = shared_.context.random;
  sdp::Audio out;
  out.session_id = std::to_string(random.next() >> 1);
  out.formats = formats();
  out.takes_plain = !is_secured() || shared_.options.takes_plain;
  transport_->describe(out, random, offers_dtls);
  if (!is_secured()) return out;
  std::uint32_t tag = 0;
  for (const auto suite : suites) {
    out.keys.push_back(
        {++tag, std::string(suite), {{random.bytes(srtp::key_size(profile_of(suite))), {}, {}, {}}}, {}});
  }
  return out;
}

/// What requests and responses that make or change the dialog have in common.
void Call::add_own(sip::Builder& builder) const {
  builder.add(HeaderId::contact, shared_.context.dialog_contact())
      .add(HeaderId::allow, "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS, MESSAGE, NOTIFY")
      .add(HeaderId::supported, "100rel, timer");
}

void Call::send_in_dialog(Method method, Build build, std::string content_type, SharedText body, Done done,
                          Now now) {
  account::Requester::Request request{.method = method,
                                      .uri = dialog_->remote_target,
                                      .make =
                                          [this, method, build = std::move(build)] {
                                            auto builder = dialog_->make_request(sip::to_string(method));
                                            builder.add(HeaderId::user_agent, "beckon/" BECKON_VERSION);
                                            if (build) build(builder);
                                            return builder;
                                          },
                                      .content_type = std::move(content_type),
                                      .body = std::move(body),
                                      .owner = weak_from_this()};
  shared_.context.requester.send(std::move(request), shared_.context.hop(), std::move(done), now);
}

void Call::send_bye(const std::optional<Reason>& reason, Now now) {
  // The call stays until the BYE is answered, so that it is repeated and authorised.
  send_in_dialog(
      Method::bye,
      [text = reason ? print(*reason) : std::string()](sip::Builder& builder) {
        if (!text.empty()) builder.add(HeaderId::reason, text);
      },
      {}, {}, [this](int, const sip::Message*, Now) { finish(); }, now);
}

// --- media

/// Follows what was agreed. A caller does not speak before the call is answered.
void Call::apply(bool sends, Now now) {
  if (!negotiation_->agreement() || stage_ == Stage::leaving || stage_ == Stage::over) return;
  if (!leg_) {
    leg_.emplace(
        transport_->port(), shared_.context.random, shared_.context.timers,
        stream::Leg::Handlers{
            .on_first_media =
                [this](stream::User::Direction direction, Duration after) {
                  shared_.book.on_first_media(number_, direction, after, shared_.context.clock.now());
                },
            .on_digit =
                [this](char digit) { shared_.book.on_digit(number_, digit, shared_.context.clock.now()); }},
        began_);
  }
  transport_->agree(*negotiation_->agreement());
  auto plan = make_plan(*negotiation_->agreement());
  transport_->complete(plan);
  plan.sends = plan.sends && sends;
  if (const auto applied = leg_->apply(std::move(plan), files_, now.mono); !applied)
    log::warn("invite", "call {}: {}", number_, applied.error().message());
  describe(now);
}

void Call::on_transport_change() {
  const Now now = shared_.context.clock.now();
  if (!transport_->failed()) {
    if (stage_ == Stage::talking || !shared_.book.has_rival(number_)) apply(stage_ == Stage::talking, now);
    return;
  }
  if (stage_ == Stage::talking) return fail({488, "DTLS-SRTP failed"}, control::Cause::failed, now);
  if (stage_ != Stage::calling) return;
  stage_ = Stage::leaving;
  if (transaction_ != 0) shared_.context.layer.cancel(transaction_, {}, now);
  end({"DTLS-SRTP failed", 488, control::Cause::failed}, now);
}

void Call::describe(Now now) {
  const auto& agreed = negotiation_->agreement();
  shared_.book.describe(number_,
                        {.held_here = negotiation_->is_held() && agreed && !agreed->receives(),
                         .held_there = negotiation_->is_held_by_peer(),
                         .secured = agreed ? std::optional(agreed->is_secured()) : std::nullopt},
                        now);
}

void Call::begin_talking(Now now) {
  shared_.book.enter(number_, call::State::answered, now);
  apply(true, now);
  arm_session(now);
}

std::optional<stream::CallStatistics> Call::statistics() const {
  return leg_ ? leg_->statistics() : std::nullopt;
}

// --- session timer (RFC 4028)

void Call::arm_session(Now) {
  const auto next = session_.next();
  if (!next || stage_ != Stage::talking) return session_timer_.cancel();
  session_timer_.set(*next, [this](Time) { on_session_due(shared_.context.clock.now()); });
}

void Call::on_session_due(Now now) {
  if (stage_ != Stage::talking) return;
  if (session_.due() == SessionTimer::Due::expire)
    return fail({408, "Session timer expired"}, control::Cause::unreachable, now);
  session_.on_refresh_sent(now.mono);
  refresh(now);
}

// --- digits

bool Call::send_digits(std::string_view digits, Now now) {
  if (stage_ != Stage::talking || digits.empty()) return false;
  if (!std::ranges::all_of(digits, [](char each) { return rtp::event_of_digit(each).has_value(); }))
    return false;
  const auto& agreed = negotiation_->agreement();
  if (agreed && agreed->events && leg_) return leg_->send_digits(digits);
  if (info_digits_.size() + digits.size() > rtp::EventSender::queue_max) return false;
  const bool is_idle = info_digits_.empty();
  for (const char each : digits) info_digits_.push_back(to_upper(each));
  if (is_idle) send_info(now);
  return true;
}

/// One after the other: over UDP two requests may overtake each other.
void Call::send_info(Now now) {
  send_in_dialog(
      Method::info, {}, std::string(dtmf_relay_type), share(print_dtmf(info_digits_.front())),
      [this](int, const sip::Message*, Now later) {
        if (!info_digits_.empty()) info_digits_.pop_front();
        if (!info_digits_.empty() && stage_ == Stage::talking) send_info(later);
      },
      now);
}

// --- the end

void Call::hang_up(Now now) {
  switch (stage_) {
    case Stage::calling:
      stage_ = Stage::leaving;
      if (transaction_ != 0) shared_.context.layer.cancel(transaction_, {}, now);
      return end({"cancelled", 487, control::Cause::done}, now);
    case Stage::ringing:
      reject(now);
      return;
    case Stage::talking:
      stage_ = Stage::leaving;
      end({"normal", 200, control::Cause::done}, now);
      if (invite_) {
        leaves_after_ack_ = true;
      } else {
        send_bye({}, now);
      }
      return;
    case Stage::leaving:
    case Stage::over:
      return;
  }
}

/// "First answer wins; the other is CANCELled" (DIRECT_SESSIONS 11). A caller whose direct session was taken
/// gets 486, which stands for no decision of the user (8).
void Call::withdraw(Now now) {
  const Reason elsewhere{200, "Call completed elsewhere"};
  if (stage_ == Stage::calling) {
    stage_ = Stage::leaving;
    if (transaction_ != 0) shared_.context.layer.cancel(transaction_, print(elsewhere), now);
    end({}, now);
  } else if (stage_ == Stage::ringing) {
    stage_ = Stage::leaving;
    invite_->respond(486, now);
    end({}, now);
    finish();
  } else {
    hang_up(now);
  }
}

void Call::on_alone(Now now) {
  if (stage_ == Stage::calling) apply(false, now);
}

void Call::fail(Reason reason, control::Cause cause, Now now) {
  stage_ = Stage::leaving;
  end({reason.text, reason.cause, cause}, now);
  send_bye(reason, now);
}

/// The call is over for the user; what is left is between the programs.
void Call::end(call::Cause cause, Now now) {
  session_timer_.cancel();
  change_timer_.cancel();
  if (leg_) leg_->finish(now.mono);
  if (transport_) transport_->close();
  shared_.book.end(number_, std::move(cause), now);
  if (const auto figures = statistics()) shared_.book.finish(number_, *figures, now);
}

void Call::finish() {
  if (std::exchange(stage_, Stage::over) == Stage::over) return;
  alert_timer_.cancel();
  reliable_timer_.cancel();
  success_timer_.cancel();
  session_timer_.cancel();
  change_timer_.cancel();
  shared_.forget(key_);
}

}  // namespace beckon::client::invite
