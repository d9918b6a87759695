#include "client/direct/calls.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <iterator>

#include "client/direct/offer.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::direct {

namespace ds = beckon::direct;

namespace {

/// A new epoch about every hour, and never two within a minute (DIRECT_SESSIONS 3, Epochs).
constexpr Duration epoch_life = 3600s;
constexpr Duration epoch_distance = 60s;

/// Ended sessions whose figures can be asked for.
constexpr std::ptrdiff_t ended_kept = 64;

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000.0; }

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

ds::Identity make_identity(const account::Account& account, const Keyring& keyring) {
  return {.aor = account.aor, .device = keyring.device, .ident = make_ident(keyring, account.aor)};
}

std::vector<stream::AudioCodec> stream_codecs() {
  std::vector<stream::AudioCodec> out;
  for (const auto& codec : codecs()) {
    out.push_back({codec.pt, codec.name, codec.clock, static_cast<int>(documents::default_audio_rate)});
  }
  return out;
}

}  // namespace

Calls::Calls(account::Context& context, const Keyring& keyring, Pins& pins, Port& port,
             std::function<void()> on_pins_changed)
    : context_(context),
      keyring_(keyring),
      pins_(pins),
      port_(port),
      on_pins_changed_(std::move(on_pins_changed)),
      epoch_timer_(context.timers),
      streams_(make_identity(context.account, keyring), context.random, context.timers, *this, port, *this) {
  streams_.set_codecs(stream_codecs());
  update_policy();
}

Calls::~Calls() {
  if (offered_) crypto::wipe(*offered_->secret);
}

void Calls::on_datagram(const Address& from, ByteView datagram, Now now) {
  streams_.on_datagram(from, datagram, now.mono);
  if (streams_.endpoint().wants_new_epoch()) want_new_epoch(now);
}

// --- what we offer

const documents::Direct* Calls::offer(ds1::Mode mode, bool renew, Now now) {
  const auto candidates = port_.candidates();
  if (candidates.empty()) return nullptr;
  ds1::Epoch epoch{};
  crypto::Key32 secret{};
  if (offered_ && !renew && !epoch_due_) {
    epoch = offered_->epoch;
    secret = *offered_->secret;
  } else {
    context_.random.fill(epoch);
    context_.random.fill(secret);
    streams_.endpoint().set_epoch(epoch, secret, now.mono);
    epoch_due_ = false;
    epoch_began_ = now.mono;
    const auto tenth = epoch_life / 10;
    const auto swing = Duration(
        static_cast<Duration::rep>(context_.random.below(static_cast<std::uint64_t>(2 * tenth.count()))));
    epoch_timer_.set(now.mono + epoch_life - tenth + swing,
                     [this](Time) { want_new_epoch(context_.clock.now()); });
  }
  offered_ = make_direct(keyring_, context_.account.aor, mode, epoch, secret, candidates);
  crypto::wipe(secret);
  streams_.endpoint().set_published(make_published(*offered_));
  return &*offered_;
}

void Calls::want_new_epoch(Now now) {
  if (!epoch_began_ || epoch_due_) return;
  const Time earliest = *epoch_began_ + epoch_distance;
  epoch_timer_.set(std::max(now.mono, earliest), [this](Time) {
    epoch_due_ = true;
    if (publish_) publish_(context_.clock.now());
  });
}

void Calls::permit(const std::string& aor, ds1::Mode mode, Now now) {
  auto& known = permits_.try_emplace(aor, mode).first->second;
  const bool lowered = mode < known;
  known = mode;
  streams_.endpoint().set_permit(aor, mode, now.mono);
  if (lowered) want_new_epoch(now);
}

void Calls::set_blocked(const std::string& aor, bool blocked, Now now) {
  streams_.endpoint().set_blocked(aor, blocked, now.mono);
  if (blocked) want_new_epoch(now);
}

void Calls::set_reachable(bool reachable) {
  if (std::exchange(reachable_, reachable) != reachable) update_policy();
}

void Calls::update_policy() {
  ds::Policy policy;
  policy.reachable = reachable_;
  policy.networks = port_.networks();
  streams_.endpoint().set_policy(std::move(policy));
}

// --- whom we trust

bool Calls::is_verified(std::string_view aor, const crypto::Key32& device_key) {
  return pins_.is_verified(std::string(aor), device_key);
}

bool Calls::is_pinned(std::string_view aor, const ds::Ident& ident) {
  return pins_.is_pinned(std::string(aor), ident.key);
}

void Calls::learn(const std::string& of, const crypto::Key32& device_key, const documents::Ident& ident,
                  Now now) {
  const auto seen = pins_.see(of, device_key, ident.key, ident.fingerprint, ident.signature);
  if (seen != Pins::Seen::pinned && seen != Pins::Seen::fresh) return;
  boost::json::object event = control::make_event("trust", now);
  event["of"] = of;
  event["state"] = seen == Pins::Seen::pinned ? "pinned" : "new";
  event["ident"] = to_base64(ident.key);
  context_.emit(std::move(event));
  if (seen == Pins::Seen::pinned) on_pins_changed_();
}

bool Calls::accept_key(const std::string& of, Now now) {
  if (!pins_.accept(of)) return false;
  on_pins_changed_();
  boost::json::object event = control::make_event("trust", now);
  event["of"] = of;
  event["state"] = "accepted";
  context_.emit(std::move(event));
  return true;
}

// --- sessions

std::pair<const Calls::CallId, Calls::Call>* Calls::find(const std::string& id) {
  const auto number = parse_number<CallId>(id);
  const auto found = number ? calls_.find(*number) : calls_.end();
  return found == calls_.end() || found->second.ended ? nullptr : &*found;
}

void Calls::choose_files(stream::Files files) {
  files_ = std::move(files);
  streams_.set_files(files_);
}

Result<std::string> Calls::dial(const std::string& to, const documents::Presence& presence,
                                stream::Files files, Now now) {
  auto choice = choose(to, presence, [&](const crypto::Key32& key) { return pins_.is_verified(to, key); });
  if (!choice) return ds::Errc::no_permission;
  const std::string contact = context_.contact();
  choice->offer.contact = contact.substr(1, contact.size() - 2);
  if (files.play.empty()) files.play = files_.play;
  if (files.record.empty()) files.record = files_.record;
  const auto id = streams_.call(choice->offer, choice->codec, files, now.mono);
  if (!id) return id.error();
  calls_[*id] = {.peer = to, .outgoing = true, .verified = choice->offer.verified, .figures = {}};
  enter(*id, "dialing", now);
  return std::to_string(*id);
}

bool Calls::answer(const std::string& id, Now now) {
  auto* entry = find(id);
  return entry != nullptr && streams_.endpoint().accept(entry->first, now.mono);
}

bool Calls::reject(const std::string& id, Now now) {
  auto* entry = find(id);
  return entry != nullptr && streams_.endpoint().reject(entry->first, ds::Reason::declined, now.mono);
}

bool Calls::hang_up(const std::string& id, Now now) {
  auto* entry = find(id);
  if (entry == nullptr) return false;
  streams_.endpoint().hang_up(entry->first, ds::Reason::normal, now.mono);
  return true;
}

void Calls::hang_up_all(Now now) {
  std::vector<CallId> living;
  for (const auto& [id, call] : calls_) {
    if (!call.ended) living.push_back(id);
  }
  for (const auto id : living) streams_.endpoint().hang_up(id, ds::Reason::normal, now.mono);
}

void Calls::on_event(const ds::Event& event, Time mono) {
  const Now now{mono, context_.clock.now().wall};
  std::visit(
      Overloaded{[&](const ds::Incoming& incoming) { on_incoming(incoming, now); },
                 [&](const ds::Ringing& ringing) { enter(ringing.call, "ringing", now); },
                 [&](const ds::Answered& answered) { enter(answered.call, "answered", now); },
                 [&](const ds::Active& active) { enter(active.call, "active", now); },
                 [&](const ds::Ended& ended) { enter(ended.call, "ended", now, &ended); },
                 // The classic call that would start now is not there yet: the attempt lives or dies alone.
                 [](const ds::FallbackWanted&) {}},
      event);
}

void Calls::on_incoming(const ds::Incoming& incoming, Now now) {
  calls_[incoming.call] = {
      .peer = incoming.aor, .outgoing = false, .verified = incoming.verified, .figures = {}};
  enter(incoming.call, incoming.mode == ds1::Mode::automatic ? "answered" : "ringing", now);
}

void Calls::enter(CallId id, const char* state, Now now, const ds::Ended* ended) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || found->second.ended) return;
  Call& call = found->second;
  call.state = state;
  call.ended = ended != nullptr;
  boost::json::object event = control::make_event("call", now);
  event["call"] = std::to_string(id);
  event["peer"] = call.peer;
  event["direction"] = call.outgoing ? "out" : "in";
  event["state"] = state;
  event["kind"] = "direct";
  event["media"] = boost::json::array{"audio"};
  event["verified"] = call.verified;
  if (ended != nullptr) {
    forget_ended();
    event["reason"] = ds::to_string(ended->reason);
    event["reason_code"] = static_cast<int>(ended->reason);
  }
  context_.emit(std::move(event));
}

void Calls::on_first_media(CallId id, Way way, Duration after_begin) {
  boost::json::object event = control::make_event("media", context_.clock.now());
  event["call"] = std::to_string(id);
  event["direction"] = way == Way::sent ? "sent" : "received";
  event["ms"] = milliseconds(after_begin);
  context_.emit(std::move(event));
}

void Calls::on_finished(CallId id, const stream::CallStatistics& figures) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  found->second.figures = figures;
  tell(id, figures, context_.clock.now());
}

/// The oldest go first; ids rise.
void Calls::forget_ended() {
  auto ended =
      std::count_if(calls_.begin(), calls_.end(), [](const auto& each) { return each.second.ended; });
  for (auto call = calls_.begin(); ended > ended_kept;) {
    if (call->second.ended) --ended;
    call = call->second.ended ? calls_.erase(call) : std::next(call);
  }
}

bool Calls::tell_statistics(const std::string& id, Now now) {
  const auto number = parse_number<CallId>(id);
  const auto found = number ? calls_.find(*number) : calls_.end();
  if (found == calls_.end()) return false;
  const auto figures = found->second.figures ? found->second.figures : streams_.statistics(*number);
  if (figures) tell(*number, *figures, now);
  return figures.has_value();
}

void Calls::tell(CallId id, const stream::CallStatistics& figures, Now now) {
  boost::json::object event = control::make_event("call-statistics", now);
  event["call"] = std::to_string(id);
  event["sent"] = figures.sent;
  event["received"] = figures.received;
  event["lost"] = figures.lost;
  event["concealed"] = figures.concealed;
  event["late"] = figures.late;
  event["duplicate"] = figures.duplicate;
  if (figures.first_sent) event["first_sent_ms"] = milliseconds(*figures.first_sent);
  if (figures.first_received) event["first_received_ms"] = milliseconds(*figures.first_received);
  if (!figures.record.empty()) event["record"] = figures.record.string();
  context_.emit(std::move(event));
}

boost::json::array Calls::json() const {
  boost::json::array out;
  for (const auto& [id, call] : calls_) {
    if (call.ended) continue;
    out.push_back(
        boost::json::object{{"call", std::to_string(id)}, {"peer", call.peer}, {"state", call.state}});
  }
  return out;
}

}  // namespace beckon::client::direct
