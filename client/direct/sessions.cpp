#include "client/direct/sessions.hpp"

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
/// An INVITE that names an own epoch of the last hour is of a caller who tried this device (11). An epoch is
/// the current one for up to 66 minutes.
constexpr Duration epoch_memory = 2 * epoch_life;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

/// Why the direct attempt alone is not waited for, for people.
std::string why_of(const ds::FallbackWanted& wanted) {
  using Why = ds::FallbackWanted::Why;
  switch (wanted.why) {
    case Why::slow:
      return "the callee's device has not answered within 400 ms";
    case Why::unreachable:
      return "the callee's device cannot be reached at its addresses";
    case Why::unknown_epoch:
      return "the callee's device does not know the permission any more";
    case Why::unknown_version:
      return "the callee's device does not know this kind of session";
    case Why::refused:
      return std::string("the callee's device refuses a direct session: ") + ds::to_string(wanted.reason);
    case Why::lost:
      break;
  }
  return "the path to the callee's device is lost";
}

/// Does the end of a leg for that reason leave it open whether the callee takes the call (10)?
bool is_about_this_leg(ds::Reason reason) {
  switch (reason) {
    case ds::Reason::media_not_supported:
    case ds::Reason::extension_not_supported:
    case ds::Reason::glare_lost:
    case ds::Reason::answered_elsewhere:
    case ds::Reason::mode_not_allowed:
    case ds::Reason::overload:
    case ds::Reason::path_lost:
      return true;
    default:
      return false;
  }
}

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

control::Cause cause_of(ds::Reason reason) {
  using control::Cause;
  switch (reason) {
    case ds::Reason::none:
    case ds::Reason::normal:
    case ds::Reason::glare_lost:  // the other session goes on
    case ds::Reason::answered_elsewhere:
      return Cause::done;
    case ds::Reason::busy:
    case ds::Reason::no_answer:
    case ds::Reason::overload:
      return Cause::unavailable;
    case ds::Reason::declined:
    case ds::Reason::mode_not_allowed:
    case ds::Reason::revoked:
      return Cause::refused;
    case ds::Reason::media_not_supported:
    case ds::Reason::extension_not_supported:
      return Cause::no_direct;
    case ds::Reason::path_lost:
      return Cause::unreachable;
  }
  return Cause::failed;  // a number of a newer peer
}

Sessions::Sessions(account::Context& context, call::Book& book, const Keyring& keyring, Pins& pins,
                   Port& port, std::function<void()> on_pins_changed)
    : context_(context),
      book_(book),
      keyring_(keyring),
      pins_(pins),
      port_(port),
      on_pins_changed_(std::move(on_pins_changed)),
      epoch_timer_(context.timers),
      streams_(make_identity(context.account, keyring), context.random, context.timers, *this, port, *this) {
  streams_.set_codecs(stream_codecs());
  update_policy();
}

Sessions::~Sessions() {
  if (offered_) crypto::wipe(*offered_->secret);
}

void Sessions::on_datagram(const Address& from, ByteView datagram, Now now) {
  streams_.on_datagram(from, datagram, now.mono);
  if (streams_.endpoint().wants_new_epoch()) want_new_epoch(now);
}

// --- what this device offers

const documents::Direct* Sessions::offer(ds1::Mode mode, bool renew, Now now) {
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
    std::erase_if(epochs_, [&](const auto& entry) { return now.mono - entry.second > epoch_memory; });
    epochs_[epoch] = now.mono;
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

void Sessions::want_new_epoch(Now now) {
  if (!epoch_began_ || epoch_due_) return;
  const Time earliest = *epoch_began_ + epoch_distance;
  epoch_timer_.set(std::max(now.mono, earliest), [this](Time) {
    epoch_due_ = true;
    if (publish_) publish_(context_.clock.now());
  });
}

void Sessions::permit(const std::string& aor, ds1::Mode mode, Now now) {
  auto& known = permits_.try_emplace(aor, mode).first->second;
  const bool lowered = mode < known;
  known = mode;
  streams_.endpoint().set_permit(aor, mode, now.mono);
  if (lowered) want_new_epoch(now);
}

void Sessions::set_blocked(const std::string& aor, bool blocked, Now now) {
  streams_.endpoint().set_blocked(aor, blocked, now.mono);
  if (blocked) want_new_epoch(now);
}

void Sessions::set_reachable(bool reachable) {
  if (std::exchange(reachable_, reachable) != reachable) update_policy();
}

void Sessions::set_automatic_sessions(std::size_t count) {
  if (std::exchange(automatic_sessions_, count) != count) update_policy();
}

void Sessions::update_policy() {
  ds::Policy policy;
  policy.reachable = reachable_;
  policy.automatic_sessions = automatic_sessions_;
  policy.networks = port_.networks();
  streams_.endpoint().set_policy(std::move(policy));
}

// --- identities

bool Sessions::is_verified(std::string_view aor, const crypto::Key32& device_key) {
  return pins_.is_verified(std::string(aor), device_key);
}

bool Sessions::is_pinned(std::string_view aor, const ds::Ident& ident) {
  return pins_.is_pinned(std::string(aor), ident.key);
}

void Sessions::learn(const std::string& of, const crypto::Key32& device_key, const documents::Ident& ident,
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

bool Sessions::accept_key(const std::string& of, const std::string& ident, Now now) {
  std::optional<crypto::Key32> chosen;
  if (!ident.empty()) {
    const auto octets = from_base64(ident);
    if (!octets || octets->size() != crypto::Key32{}.size()) return false;
    std::copy(octets->begin(), octets->end(), chosen.emplace().begin());
  }
  if (!pins_.accept(of, chosen)) return false;
  on_pins_changed_();
  boost::json::object event = control::make_event("trust", now);
  event["of"] = of;
  event["state"] = "accepted";
  context_.emit(std::move(event));
  return true;
}

// --- calls

void Sessions::choose_files(stream::Files files) {
  files_ = std::move(files);
  streams_.set_files(files_);
}

Result<call::Number> Sessions::dial(const std::string& to, const documents::Presence& presence,
                                    stream::Files files, OnFallback on_fallback, Now now) {
  auto choice = choose(to, presence, [&](const crypto::Key32& key) { return pins_.is_verified(to, key); });
  if (!choice) return ds::Errc::no_permission;
  const std::string contact = context_.contact();
  choice->offer.contact = contact.substr(1, contact.size() - 2);
  if (files.play.empty()) files.play = files_.play;
  if (files.record.empty()) files.record = files_.record;
  dialing_ = call::Opening{.peer = to, .outgoing = true, .verified = choice->offer.verified};
  const auto id = streams_.call(choice->offer, choice->codec, files, now.mono);
  const auto number = id ? Result<call::Number>(number_of(*id, now)) : id.error();
  dialing_.reset();
  if (id) dialled_[*id] = {choice->target, std::move(on_fallback)};
  return number;
}

/// The number of a session, 0 for one that is not in the book. The session that is being dialled sends before
/// its id is returned, so what happens to it first enters it.
call::Number Sessions::number_of(CallId id, Now now) {
  const auto known = numbers_.find(id);
  if (known != numbers_.end()) return known->second;
  if (!dialing_) return 0;
  return numbers_[id] = book_.open(*std::exchange(dialing_, std::nullopt), *this, id, now);
}

bool Sessions::answer(Key key, Now now) { return streams_.endpoint().accept(key, now.mono).has_value(); }

bool Sessions::reject(Key key, Now now) {
  return streams_.endpoint().reject(key, ds::Reason::declined, now.mono).has_value();
}

void Sessions::hang_up(Key key, Now now) { streams_.endpoint().hang_up(key, ds::Reason::normal, now.mono); }

void Sessions::withdraw(Key key, Now now) {
  streams_.endpoint().hang_up(key, ds::Reason::answered_elsewhere, now.mono);
}

void Sessions::on_event(const ds::Event& event, Time mono) {
  const Now now{mono, context_.clock.now().wall};
  const auto enter = [&](CallId id, call::State state) { book_.enter(number_of(id, now), state, now); };
  std::visit(Overloaded{[&](const ds::Incoming& incoming) { on_incoming(incoming, now); },
                        [&](const ds::Ringing& ringing) { enter(ringing.call, call::State::ringing); },
                        [&](const ds::Answered& answered) { enter(answered.call, call::State::answered); },
                        [&](const ds::Active& active) { enter(active.call, call::State::active); },
                        [&](const ds::Ended& ended) { on_ended(ended, now); },
                        [&](const ds::FallbackWanted& wanted) { on_fallback_wanted(wanted, now); }},
             event);
}

void Sessions::on_incoming(const ds::Incoming& incoming, Now now) {
  // Two users called each other: the call that this one dialled goes on as the session that came in.
  if (const auto dialled = numbers_.extract(incoming.instead_of); !dialled.empty()) {
    numbers_[incoming.call] = dialled.mapped();
    book_.rename(dialled.mapped(), incoming.call);
    return;
  }
  const bool is_answered = incoming.mode == ds1::Mode::automatic;
  numbers_[incoming.call] = book_.open({.peer = incoming.aor,
                                        .verified = incoming.verified,
                                        .state = is_answered ? call::State::answered : call::State::ringing},
                                       *this, incoming.call, now);
}

void Sessions::on_fallback_wanted(const ds::FallbackWanted& wanted, Now now) {
  const auto dialled = dialled_.find(wanted.call);
  const auto number = numbers_.find(wanted.call);
  if (dialled == dialled_.end() || number == numbers_.end() || !dialled->second.on_fallback) return;
  const Fallback fallback{number->second, dialled->second.target, why_of(wanted),
                          print(Claim{wanted.attempt, wanted.tag, wanted.epoch, wanted.proof})};
  std::exchange(dialled->second.on_fallback, {})(fallback, now);
}

Sessions::Origin Sessions::origin_of(std::string_view from, std::string_view claims, Now now) {
  Origin out{.leg = 0, .is_elsewhere = !trim(claims).empty()};
  for (const Claim& claim : parse_claims(claims)) {
    const auto epoch = epochs_.find(claim.epoch);
    if (epoch == epochs_.end() || now.mono - epoch->second > epoch_memory) continue;
    out.is_elsewhere = false;
    if (from.empty()) continue;
    const CallId call = streams_.endpoint().find_proven(from, claim.tag, claim.epoch, claim.proof);
    const auto number = numbers_.find(call);
    if (call != 0 && number != numbers_.end()) out.leg = number->second;
  }
  return out;
}

/// The other leg of a session that came in lives and ends by itself: the caller ends both.
void Sessions::on_ended(const ds::Ended& ended, Now now) {
  const bool came_in = dialled_.erase(ended.call) == 0;
  const bool only_this = is_about_this_leg(ended.reason) || (came_in && ended.by_peer);
  book_.end(number_of(ended.call, now),
            {ds::to_string(ended.reason), static_cast<int>(ended.reason), cause_of(ended.reason), only_this},
            now);
  // A session without audio has no figures, and `on_finished` does not follow.
  if (!streams_.statistics(ended.call)) numbers_.erase(ended.call);
}

void Sessions::on_first_media(CallId id, Direction direction, Duration after_begin) {
  const Now now = context_.clock.now();
  book_.on_first_media(number_of(id, now), direction, after_begin, now);
}

void Sessions::on_finished(CallId id, const stream::CallStatistics& statistics) {
  const Now now = context_.clock.now();
  book_.finish(number_of(id, now), statistics, now);
  numbers_.erase(id);
}

void Sessions::on_tone(CallId id, int hertz) {
  const Now now = context_.clock.now();
  boost::json::object event = control::make_event("tone", now);
  event["call"] = std::to_string(number_of(id, now));
  event["hertz"] = hertz;
  context_.emit(std::move(event));
}

}  // namespace beckon::client::direct
