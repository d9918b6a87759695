#include "server/message/delivery.hpp"

#include <utility>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"
#include "server/message/inbox.hpp"
#include "server/shard/rounds.hpp"
#include "server/shard/sips.hpp"

namespace beckon::server::message {

using proxy::Forwarder;
using proxy::Target;

Deliveries::Deliveries(Parts parts, const crypto::Key32& key, Source& source)
    : parts_(parts),
      source_(source),
      forwarder_(parts.environment, parts.sender, parts.locator, key, *this),
      timer_(parts.environment.timers()) {
  turns_.reserve(at_once);
}

void Deliveries::start(Entry& user, const std::string& device) {
  const auto [known, is_new] = by_device_.try_emplace({&user, device}, last_ + 1);
  if (!is_new) {
    turns_.at(known->second).again = true;
    return;
  }
  turns_.emplace(++last_, Turn{user.ptr(), device});
  enqueue(last_);
}

void Deliveries::enqueue(std::uint64_t turn) {
  waiting_.push_back(turn);
  arm();
}

/// Later than now: what caused it, a REGISTER, is answered first.
void Deliveries::arm() {
  if (timer_.is_set() || waiting_.empty() || under_way_ >= at_once) return;
  timer_.set(parts_.environment.clock().now().mono + std::chrono::microseconds(1),
             [this](Time) { run(parts_.environment.clock().now()); });
}

void Deliveries::run(Now now) {
  Slice slice(parts_.environment.clock());
  while (!waiting_.empty() && under_way_ < at_once && slice.take()) {
    const std::uint64_t next = waiting_.front();
    waiting_.pop_front();
    begin(next, now);
  }
  arm();
}

/// Sends the device its next message. A device that is not registered any more has lost its turn.
void Deliveries::begin(std::uint64_t id, Now now) {
  Turn& turn = turns_.at(id);
  turn.again = false;
  auto load = source_.next_for(*turn.user, turn.device, now);
  if (!load) return end(id);
  bool is_registered = false;
  auto targets = targets_of(turn, *load, now, is_registered);
  if (!is_registered) return end(id);
  turn.number = load->number;
  if (targets.empty()) {  // a SIPS message, and the device has no SIPS contact
    source_.on_answered(*turn.user, turn.device, turn.number, {.status = 416}, now);
    return end(id);
  }
  ++under_way_;
  forwarder_.start(id, {.bucket = turn.user->bucket(),
                        .request = std::move(load->request),
                        .route = {},
                        .targets = std::move(targets),
                        .breadth = 1});
}

void Deliveries::end(std::uint64_t id) {
  const auto found = turns_.find(id);
  if (found->second.again) return enqueue(id);
  by_device_.erase({found->second.user.get(), found->second.device});
  turns_.erase(found);
}

/// The device's flows follow each other (RFC 5626 7).
std::vector<Target> Deliveries::targets_of(const Turn& turn, const Load& load, Now now,
                                           bool& is_registered) const {
  std::vector<Target> targets;
  if (!parts_.environment.settings().serves(domain_of_aor(turn.user->aor()))) {
    if (auto target = target_outside(turn, load)) targets.push_back(std::move(*target));
    is_registered = !targets.empty();
    return targets;
  }
  for (const auto& binding : parts_.registrar.targets(turn.user->aor(), now)) {
    if (device_of(binding) != turn.device) continue;
    is_registered = true;
    auto target = proxy::target_of(binding, is_to_sips(load.request), parts_.locator.abilities());
    if (!target) continue;
    target->asserted = load.asserted;
    (targets.empty() ? targets : targets.front().others).push_back(std::move(*target));
  }
  return targets;
}

/// As the proxy sends to that domain; nothing where it does not.
std::optional<Target> Deliveries::target_outside(const Turn& turn, const Load& load) const {
  const auto& settings = parts_.environment.settings();
  const auto uri = sip::parse_uri(turn.user->aor());
  if (!uri || settings.foreign != ForeignPolicy::forward) return std::nullopt;
  // Over TLS a server proves its domain, wherever it is.
  const bool tls_only = settings.federation.tls_only;
  const IpAddress asker = tls_only ? *parse_ip("127.0.0.1") : IpAddress{};
  auto to = proxy::destination_of(*uri, parts_.locator.abilities(), asker, tls_only);
  if (!to) return std::nullopt;
  return Target{.to = std::move(*to), .asserted = load.asserted};
}

void Deliveries::on_flow_failed(Forwarder::Key key, const Target& target, Now) {
  if (target.binding.contact().empty()) return;
  parts_.registrar.on_flow_failed(turns_.at(key).user->aor(), target.binding);
}

void Deliveries::on_end(Forwarder::Key key, const Forwarder::End& best, Now now) {
  --under_way_;
  const Turn& turn = turns_.at(key);
  source_.on_answered(*turn.user, turn.device, turn.number, best, now);
  end(key);
  arm();
}

}  // namespace beckon::server::message
