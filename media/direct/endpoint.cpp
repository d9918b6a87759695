#include "media/direct/endpoint.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "media/direct/callee.hpp"
#include "media/direct/caller.hpp"
#include "media/direct/decision.hpp"
#include "media/direct/gate.hpp"
#include "media/session/demultiplexer.hpp"
#include "media/srtp/session.hpp"
#include "protocol/base/text.hpp"
#include "protocol/stun/message.hpp"

namespace beckon::direct {
namespace {

constexpr std::size_t sessions_max = 256;      ///< Further callers are refused with reason 9 (overload).
constexpr std::uint16_t overload_retry = 10;   ///< Seconds, with reason 9.
constexpr Duration attempt_gap = 2s;           ///< Between attempts to one AOR (DIRECT_SESSIONS 5).
constexpr std::size_t errors_per_second = 20;  ///< 438 and 400 (5)
constexpr std::size_t held_packets_max = 32;   ///< Of unknown tags (4)
constexpr std::size_t held_octets_max = 64 * 1024;
constexpr Duration held_time = 160ms;

using TagNumber = std::uint32_t;
TagNumber number_of(const Tag& tag) { return TagNumber{tag[0]} << 16 | TagNumber{tag[1]} << 8 | tag[2]; }

/// The tag in an SRTP or SRTCP packet's MKI.
TagNumber tag_of(ByteView datagram) { return read_u32(datagram.last(4)) >> 8; }

}  // namespace

class Endpoint::Impl final : public Host {
 public:
  Impl(Identity identity, Random& random_source, TimerQueue& timer_queue, Trust& trust, Sink& events)
      : Host(random_source, timer_queue, events),
        identity_(std::move(identity)),
        trust_(trust),
        gate_(identity_.device),
        epoch_timer_(timer_queue) {
    srtp::warm_up();
  }
  ~Impl() override { crypto::wipe(identity_.device.secret); }

  void on_won(const Session& leg, Time now) override;
  bool on_glare_lost(const Session& leg, Time now) override;
  void forget(CallId call) override;

  Result<CallId> call(const Offer& offer, Time now);
  Result<void> check_offer(const Offer& offer, Time now) const;
  void set_epoch(const ds1::Epoch& epoch, const crypto::Key32& secret, Time now);
  void revoke(std::string_view aor, Time now);
  void on_datagram(const Address& from, ByteView datagram, Time now);
  Session* find(CallId call) const;
  Callee* find_callee(CallId call) const;

  Identity identity_;
  Trust& trust_;
  Policy policy_;
  Published published_;
  Gate gate_;
  std::map<CallId, std::unique_ptr<Session>> sessions_;

 private:
  /// What the HELLO of a user means whom this device is calling (DIRECT_SESSIONS 9).
  struct Glare {
    enum class Survivor { ours, theirs, neither };
    std::vector<CallId> legs;  ///< Own ones to that user that are not answered yet. None: no glare.
    Survivor survivor = Survivor::theirs;
  };
  struct Held {
    Address from;
    Bytes datagram;
    Time when;
  };

  void add(std::unique_ptr<Session> session);
  Tag make_tag();
  std::vector<Candidate> candidates_for(const Offer& offer) const;
  void on_stun(const Address& from, ByteView datagram, Time now);
  void on_hello(const Address& from, const stun::Message& request, ByteView attribute, Time now);
  void admit(Admission admission, CallId call, const Callee::Arrival& arrival, Time now);
  bool is_verified(const Admission& admission);
  std::size_t in_progress() const;
  Glare find_glare(const Admission& admission) const;
  void refuse_hello(const Address& to, const stun::Message& request, int code, Time now);
  void on_secure(const Address& from, ByteView datagram, Time now);
  void hold(const Address& from, ByteView datagram, Time now);
  void release(const Tag& tag, Time now);
  template <class Function>
  bool each_of_tag(TagNumber tag, Function&& function);

  CallId last_call_ = 0;
  std::unordered_multimap<TagNumber, CallId> by_tag_;
  std::unordered_map<std::string, std::pair<Time, Attempt>> attempts_;
  Rate errors_{errors_per_second, 1s};
  std::deque<Held> held_;
  std::size_t held_octets_ = 0;
  Timer epoch_timer_;
};

// --- sessions ---

Session* Endpoint::Impl::find(CallId call) const {
  const auto found = sessions_.find(call);
  return found == sessions_.end() ? nullptr : found->second.get();
}

Callee* Endpoint::Impl::find_callee(CallId call) const {
  Session* const session = find(call);
  return session != nullptr && session->role() == Session::Role::callee ? static_cast<Callee*>(session)
                                                                        : nullptr;
}

void Endpoint::Impl::add(std::unique_ptr<Session> session) {
  by_tag_.emplace(number_of(session->subject().tag), session->subject().call);
  sessions_.emplace(session->subject().call, std::move(session));
}

void Endpoint::Impl::forget(CallId call) {
  std::erase_if(by_tag_, [&](const auto& entry) { return entry.second == call; });
  sessions_.erase(call);
}

bool Endpoint::Impl::on_glare_lost(const Session& leg, Time now) {
  for (const auto& [call, session] : sessions_) {
    if (session->role() != Session::Role::callee || session->subject().aor != leg.subject().aor) continue;
    auto& callee = static_cast<Callee&>(*session);
    if (callee.is_verified() && callee.accept(now)) return true;
  }
  return false;
}

void Endpoint::Impl::on_won(const Session& leg, Time now) {
  for (const auto& [call, session] : sessions_) {
    const bool other = session.get() != &leg && session->role() == Session::Role::caller &&
                       session->subject().attempt == leg.subject().attempt;
    if (other) session->hang_up(Reason::answered_elsewhere, now);
  }
}

template <class Function>
bool Endpoint::Impl::each_of_tag(TagNumber tag, Function&& function) {
  const auto [first, last] = by_tag_.equal_range(tag);
  // Copied, because a session's function may add others.
  std::vector<CallId> calls;
  for (auto entry = first; entry != last; ++entry) calls.push_back(entry->second);
  return std::any_of(calls.begin(), calls.end(), [&](CallId call) {
    Session* const session = find(call);
    return session != nullptr && function(*session);
  });
}

// --- calling ---

Tag Endpoint::Impl::make_tag() {
  Tag tag{};
  do {
    random.fill(tag);
  } while (by_tag_.contains(number_of(tag)));
  return tag;
}

Result<void> Endpoint::Impl::check_offer(const Offer& offer, Time now) const {
  const auto& ticket = offer.grant.ticket;
  if (offer.mode == ds1::Mode::off || ticket.size() < ticket_min || ticket.size() > ticket_max) {
    return Errc::no_permission;
  }
  if (offer.media.empty() || offer.media.size() > lines_max) return Errc::no_media;
  const auto last = attempts_.find(offer.aor);
  const bool is_new = last != attempts_.end() && offer.attempt != last->second.second;
  if (is_new && now < last->second.first + attempt_gap) return Errc::too_soon;
  if (candidates_for(offer).empty()) return Errc::no_candidate;
  return {};
}

std::vector<Candidate> Endpoint::Impl::candidates_for(const Offer& offer) const {
  auto out = usable_candidates(offer.candidates, policy_.networks);
  std::size_t used = 0;
  for (const auto& [call, session] : sessions_) {
    const bool same = offer.attempt && session->role() == Session::Role::caller &&
                      session->subject().attempt == *offer.attempt;
    if (same) used += static_cast<const Caller&>(*session).candidate_count();
  }
  const std::size_t left = candidates_per_attempt_max - std::min(used, candidates_per_attempt_max);
  if (out.size() > left) out.resize(left);
  return out;
}

Result<CallId> Endpoint::Impl::call(const Offer& offer, Time now) {
  if (const auto good = check_offer(offer, now); !good) return good.error();
  auto candidates = candidates_for(offer);

  Caller::Setup setup{
      .subject = {}, .ssrcs = {}, .hello = {}, .ephemeral = crypto::make_x25519(random), .candidates = {}};
  setup.candidates = std::move(candidates);
  setup.callee_key = offer.device_key;
  setup.expects_auto =
      offer.mode == ds1::Mode::automatic && offer.want == ds1::Mode::automatic && offer.verified;
  setup.subject = {.call = last_call_ + 1,
                   .aor = offer.aor,
                   .tag = make_tag(),
                   .attempt = {},
                   .epoch = offer.epoch,
                   .media = offer.media};
  if (offer.attempt) {
    setup.subject.attempt = *offer.attempt;
  } else {
    random.fill(setup.subject.attempt);
  }
  HelloBody body;
  body.tag = setup.subject.tag;
  body.attempt = setup.subject.attempt;
  body.ephemeral = setup.ephemeral.pub;
  body.want = setup.expects_auto ? ds1::Mode::automatic : ds1::Mode::ask;
  body.contact = offer.contact.substr(0, contact_max);
  body.subject = offer.subject.substr(0, subject_max);
  body.ident = identity_.ident;
  for (const auto& line : offer.media) {
    body.media.push_back({line.kind, line.dir, line.payload_type, static_cast<std::uint32_t>(random.next())});
  }
  auto enc = crypto::make_x25519(random);
  auto hello = seal_hello({offer.device_key, offer.epoch, offer.grant}, identity_.device, enc, body);
  crypto::wipe(enc.secret);
  if (!hello) return Errc::no_permission;
  setup.hello = std::move(*hello);
  for (const auto& line : body.media) setup.ssrcs.push_back(line.ssrc);

  std::erase_if(attempts_, [&](const auto& entry) { return entry.second.first + attempt_gap <= now; });
  attempts_[offer.aor] = {now, setup.subject.attempt};
  ++last_call_;
  auto caller = std::make_unique<Caller>(*this, identity_.device, std::move(setup), now);
  Caller& started = *caller;
  add(std::move(caller));
  started.start(now);
  return last_call_;
}

// --- being called ---

void Endpoint::Impl::set_epoch(const ds1::Epoch& epoch, const crypto::Key32& secret, Time now) {
  gate_.set_epoch(epoch, secret, now);
  epoch_timer_.set(now + old_epoch_time, [this](Time later) { gate_.expire(later); });
}

void Endpoint::Impl::revoke(std::string_view aor, Time now) {
  for (const auto& [call, session] : sessions_) {
    if (session->role() == Session::Role::callee && session->subject().aor == aor) {
      static_cast<Callee&>(*session).revoke(now);
    }
  }
}

bool Endpoint::Impl::is_verified(const Admission& admission) {
  const auto& key = admission.hello->caller_key;
  const auto& aor = admission.ticket.aor;
  const auto& ident = admission.hello->body.ident;
  const bool vouched = ident &&
                       ds1::verify_identity(ident->key, aor, key, ident->fingerprint, ident->signature) &&
                       trust_.is_pinned(aor, *ident);
  return vouched || trust_.is_verified(aor, key);
}

/// A session that is only dialled does not count: two users who call each other would both be refused
/// (DIRECT_SESSIONS 9).
std::size_t Endpoint::Impl::in_progress() const {
  const auto counts = [](const auto& entry) {
    const auto state = entry.second->state();
    return state == Session::State::answered || state == Session::State::active;
  };
  return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), counts));
}

/// Of two attempts between the same devices the one with the smaller CALL survives, and both ends see it so.
/// A device that was not called knows nothing of the own attempt, so its HELLO survives.
Endpoint::Impl::Glare Endpoint::Impl::find_glare(const Admission& admission) const {
  Glare glare;
  const Caller* called = nullptr;
  for (const auto& [call, session] : sessions_) {
    if (session->role() != Session::Role::caller || session->subject().aor != admission.ticket.aor) continue;
    const auto& leg = static_cast<const Caller&>(*session);
    if (!leg.is_pending()) continue;
    glare.legs.push_back(call);
    if (leg.callee_key() == admission.hello->caller_key) called = &leg;
  }
  if (called == nullptr || called->state() == Session::State::yielding) return glare;
  const Attempt& ours = called->subject().attempt;
  const Attempt& theirs = admission.hello->body.attempt;
  if (ours < theirs) glare.survivor = Glare::Survivor::ours;
  if (ours == theirs) glare.survivor = Glare::Survivor::neither;
  return glare;
}

void Endpoint::Impl::refuse_hello(const Address& to, const stun::Message& request, int code, Time now) {
  if (!errors_.take(now)) return;
  const auto response = stun::Writer(stun::Class::error, stun::binding, request.transaction())
                            .add_error_code(code, code == 438 ? "Unknown Epoch" : "Unknown Version")
                            .add_fingerprint();
  sink.send(to, response.bytes());
}

void Endpoint::Impl::on_hello(const Address& from, const stun::Message& request, ByteView attribute,
                              Time now) {
  const Callee::Arrival arrival{from, request.bytes().size(), request.transaction()};
  auto admission = gate_.judge(attribute, last_call_ + 1, now);
  switch (admission.verdict) {
    case Admission::Verdict::drop:
      return;
    case Admission::Verdict::unknown_epoch:
      return refuse_hello(from, request, 438, now);
    case Admission::Verdict::unknown_version:
      return refuse_hello(from, request, 400, now);
    case Admission::Verdict::duplicate:
      if (Callee* const callee = find_callee(admission.session)) callee->on_hello_again(arrival, now);
      return;
    case Admission::Verdict::admitted:
      return admit(std::move(admission), ++last_call_, arrival, now);
  }
}

void Endpoint::Impl::admit(Admission admission, CallId call, const Callee::Arrival& arrival, Time now) {
  const HelloBody body = admission.hello->body;
  const Glare glare = find_glare(admission);
  const Request request{.ticket = admission.ticket.mode,
                        .permit = gate_.permit_of(admission.ticket.aor),
                        .verified = is_verified(admission),
                        .in_call = glare.legs.empty() && in_progress() >= policy_.automatic_sessions,
                        .want = body.want,
                        .media = body.media};
  auto decision = decide(request, published_, policy_);
  if (body.demands_unknown) {
    decision.mode = ds1::Mode::off;
    decision.refusal = Reason::extension_not_supported;
  }
  const bool full = sessions_.size() >= sessions_max;
  if (full && decision.mode != ds1::Mode::off) {
    decision.mode = ds1::Mode::off;
    decision.refusal = Reason::overload;
  }
  const bool early = decision.mode == ds1::Mode::automatic;
  CallId instead_of = 0;
  if (!glare.legs.empty() && decision.mode != ds1::Mode::off) {
    if (glare.survivor != Glare::Survivor::theirs) {
      decision.mode = ds1::Mode::off;
      decision.refusal = glare.survivor == Glare::Survivor::ours ? Reason::glare_lost : Reason::busy;
    } else if (request.verified) {
      // The user has accepted by calling (9).
      decision.mode = ds1::Mode::automatic;
      instead_of = glare.legs.front();
    }
  }
  const bool withdraws = decision.mode != ds1::Mode::off || glare.survivor == Glare::Survivor::neither;
  const Incoming incoming{.call = call,
                          .aor = admission.ticket.aor,
                          .device_key = admission.hello->caller_key,
                          .verified = request.verified,
                          .mode = decision.mode,
                          .media = decision.media,
                          .attempt = body.attempt,
                          .contact = body.contact,
                          .subject = body.subject,
                          .instead_of = instead_of};
  Callee::Setup setup{.subject = {.call = call,
                                  .aor = admission.ticket.aor,
                                  .tag = body.tag,
                                  .attempt = body.attempt,
                                  .epoch = admission.epoch,
                                  .media = decision.media},
                      .hello = std::move(*admission.hello),
                      .ssrcs = decision.ssrcs};
  auto made = std::make_unique<Callee>(*this, std::move(setup), arrival, now);
  Callee& callee = *made;
  add(std::move(made));
  switch (decision.mode) {
    case ds1::Mode::off:
      callee.refuse(decision.refusal, full ? overload_retry : std::uint16_t{0}, arrival, now);
      break;
    case ds1::Mode::ask:
      callee.ring(arrival, now);
      break;
    case ds1::Mode::automatic:
      callee.answer_at_once(arrival, early, now);
      break;
  }
  callee.introduce(incoming, now);
  if (withdraws) {
    const auto reason = decision.mode == ds1::Mode::off ? Reason::busy : Reason::glare_lost;
    for (const CallId leg : glare.legs)
      find(leg)->hang_up(reason, now);  // a session is forgotten by a timer only
  }
  if (decision.mode != ds1::Mode::off) release(body.tag, now);
}

// --- datagrams ---

void Endpoint::Impl::on_datagram(const Address& from, ByteView datagram, Time now) {
  switch (session::classify(datagram)) {
    case session::Kind::stun:
      return on_stun(from, datagram, now);
    case session::Kind::rtp:
    case session::Kind::rtcp:
      return on_secure(from, datagram, now);
    case session::Kind::dtls:
    case session::Kind::unknown:
      return;
  }
}

void Endpoint::Impl::on_stun(const Address& from, ByteView datagram, Time now) {
  const auto message = stun::parse_message(datagram);
  if (!message || message->method() != stun::binding || !message->has_good_fingerprint()) return;
  if (message->message_class() == stun::Class::request) {
    if (const auto hello = message->find(stun::attribute::direct_hello)) {
      return on_hello(from, *message, hello->value, now);
    }
    const auto name = message->find(stun::attribute::username);
    const auto tag = name && name->value.size() == 6 ? from_hex(as_text(name->value)) : std::nullopt;
    if (!tag) return;
    each_of_tag(number_of({(*tag)[0], (*tag)[1], (*tag)[2]}),
                [&](Session& session) { return session.on_check(from, *message, now); });
    return;
  }
  if (message->message_class() == stun::Class::indication) return;
  for (const auto& [call, session] : sessions_) {
    if (session->on_response(*message, now)) return;
  }
}

void Endpoint::Impl::on_secure(const Address& from, ByteView datagram, Time now) {
  if (datagram.size() < rtp::fixed_header_size + 4) return;
  const TagNumber tag = tag_of(datagram);
  if (!by_tag_.contains(tag)) return hold(from, datagram, now);
  each_of_tag(tag, [&](Session& session) { return session.on_secure(from, datagram, now); });
}

/// Media may overtake the HELLO it belongs to (DIRECT_SESSIONS 4).
void Endpoint::Impl::hold(const Address& from, ByteView datagram, Time now) {
  while (!held_.empty() && held_.front().when + held_time <= now) {
    held_octets_ -= held_.front().datagram.size();
    held_.pop_front();
  }
  if (held_.size() >= held_packets_max || held_octets_ + datagram.size() > held_octets_max) return;
  held_octets_ += datagram.size();
  held_.push_back({from, Bytes(datagram.begin(), datagram.end()), now});
}

void Endpoint::Impl::release(const Tag& tag, Time now) {
  auto held = std::exchange(held_, {});
  held_octets_ = 0;
  for (auto& packet : held) {
    if (packet.when + held_time <= now) continue;
    if (tag_of(packet.datagram) == number_of(tag)) {
      on_secure(packet.from, packet.datagram, now);
    } else {
      held_octets_ += packet.datagram.size();
      held_.push_back(std::move(packet));
    }
  }
}

// --- the facade ---

Endpoint::Endpoint(Identity identity, Random& random, TimerQueue& timers, Trust& trust, Sink& sink)
    : impl_(std::make_unique<Impl>(std::move(identity), random, timers, trust, sink)) {}

Endpoint::~Endpoint() = default;

void Endpoint::set_policy(Policy policy) { impl_->policy_ = std::move(policy); }

void Endpoint::set_published(Published published) { impl_->published_ = std::move(published); }

void Endpoint::set_epoch(const ds1::Epoch& epoch, const crypto::Key32& secret, Time now) {
  impl_->set_epoch(epoch, secret, now);
}

bool Endpoint::wants_new_epoch() const { return impl_->gate_.is_three_quarters_full(); }

void Endpoint::set_permit(std::string_view aor, ds1::Mode mode, Time now) {
  impl_->gate_.set_permit(aor, mode);
  if (mode == ds1::Mode::off) impl_->revoke(aor, now);
}

void Endpoint::set_blocked(std::string_view aor, bool blocked, Time now) {
  impl_->gate_.set_blocked(aor, blocked);
  if (blocked) impl_->revoke(aor, now);
}

Result<void> Endpoint::accept(CallId call, Time now) {
  Callee* const callee = impl_->find_callee(call);
  if (callee == nullptr || !callee->accept(now)) return Errc::unknown_call;
  return {};
}

Result<void> Endpoint::reject(CallId call, Reason reason, Time now) {
  Callee* const callee = impl_->find_callee(call);
  if (callee == nullptr || !callee->reject(reason, now)) return Errc::unknown_call;
  return {};
}

Result<void> Endpoint::check(const Offer& offer, Time now) const { return impl_->check_offer(offer, now); }

Result<CallId> Endpoint::call(const Offer& offer, Time now) { return impl_->call(offer, now); }

void Endpoint::hang_up(CallId call, Reason reason, Time now) {
  if (Session* const session = impl_->find(call)) session->hang_up(reason, now);
}

CallId Endpoint::find_proven(std::string_view aor, const Tag& tag, const ds1::Epoch& epoch,
                             const crypto::Key16& proof) const {
  for (const auto& [call, session] : impl_->sessions_) {
    const auto& subject = session->subject();
    if (session->is_dead() || session->role() != Session::Role::callee || subject.aor != aor ||
        subject.tag != tag || subject.epoch != epoch)
      continue;
    if (session->is_proof(proof)) return call;
  }
  return 0;
}

bool Endpoint::is_checked(CallId call) const {
  const Session* const session = impl_->find(call);
  return session != nullptr && session->is_checked();
}

void Endpoint::on_datagram(const Address& from, ByteView datagram, Time now) {
  impl_->on_datagram(from, datagram, now);
}

void Endpoint::on_unreachable(const Address& to, Time now) {
  for (const auto& [call, session] : impl_->sessions_) session->on_unreachable(to, now);
}

bool Endpoint::may_send(CallId call, MediaKind kind) const {
  const Session* const session = impl_->find(call);
  return session != nullptr && session->may_send(kind);
}

bool Endpoint::send_media(CallId call, MediaKind kind, ByteView payload, std::uint32_t timestamp, bool marker,
                          Time now) {
  Session* const session = impl_->find(call);
  return session != nullptr && session->send_media(kind, payload, timestamp, marker, now);
}

std::optional<session::Statistics> Endpoint::statistics(CallId call) const {
  const Session* const session = impl_->find(call);
  if (session == nullptr) return std::nullopt;
  return session->statistics();
}

}  // namespace beckon::direct
