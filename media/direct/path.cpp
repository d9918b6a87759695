#include "media/direct/path.hpp"

#include <algorithm>

namespace beckon::direct {
namespace {

constexpr std::size_t checks_remembered = 16;  ///< Answers come within seconds, CHECKs go every 5 s and path.

}  // namespace

Path::Source* Path::find(const Address& address) {
  const auto found = std::find_if(sources_.begin(), sources_.end(),
                                  [&](const Source& source) { return source.address == address; });
  if (found != sources_.end()) return &*found;
  return new_place_ && new_place_->address == address ? &*new_place_ : nullptr;
}

void Path::add_source(const Address& address, std::uint64_t octets_received) {
  if (Source* known = find(address)) {
    known->received += octets_received;
  } else if (sources_.size() < sources_max) {
    sources_.push_back({address, octets_received, 0});
  }
}

void Path::validate(const Address& address) {
  const bool moved = new_place_ && new_place_->address == address;
  if (!current_ || moved) current_ = address;
  if (moved) new_place_.reset();
}

std::optional<Address> Path::media_target() const {
  if (current_) return current_;
  if (sources_.empty()) return std::nullopt;
  return sources_.front().address;
}

std::vector<Address> Path::control_targets() const {
  if (current_) return {*current_};
  std::vector<Address> out;
  for (const auto& source : sources_) out.push_back(source.address);
  return out;
}

void Path::on_received(const Address& from, std::size_t octets) {
  if (Source* source = find(from)) source->received += octets;
}

bool Path::take_allowance(const Address& to, std::size_t octets) {
  if (current_ == to) return true;
  Source* source = find(to);
  if (source == nullptr || source->sent + octets > amplification * source->received) return false;
  source->sent += octets;
  return true;
}

bool Path::on_moved(const Address& from, std::size_t octets, Time now) {
  if (!current_ || current_ == from || now < next_recheck_) return false;
  const Source* const known = find(from);
  new_place_ = known != nullptr ? *known : Source{from, octets, 0};
  next_recheck_ = now + recheck_time;
  return true;
}

void Path::on_check_sent(const stun::TransactionId& transaction, const Address& to) {
  if (checks_.size() == checks_remembered) checks_.pop_front();
  checks_.push_back({transaction, to});
}

std::optional<Address> Path::find_check(const stun::TransactionId& transaction) const {
  const auto found = std::find_if(checks_.begin(), checks_.end(),
                                  [&](const Check& check) { return check.transaction == transaction; });
  if (found == checks_.end()) return std::nullopt;
  return found->to;
}

void Path::forget_check(const stun::TransactionId& transaction) {
  std::erase_if(checks_, [&](const Check& check) { return check.transaction == transaction; });
}

}  // namespace beckon::direct
