#include "media/dtls/association.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"

namespace beckon::dtls {
namespace {

/// Handshake records of epoch 0 whose first message is a ClientHello, or a fragment of one (RFC 6347 4.1,
/// 4.2.2).
bool is_client_hello(ByteView datagram) {
  constexpr std::size_t record_header = 13;
  constexpr std::uint8_t handshake = 22;
  constexpr std::uint8_t client_hello = 1;
  return datagram.size() > record_header + 12 && datagram[0] == handshake &&
         read_u16(datagram.subspan(3)) == 0 && datagram[record_header] == client_hello;
}

}  // namespace

void Association::agree(const Peer& peer, Time now) {
  if (peer_) {
    // Roles count only where a new association begins: RFC 8842 5.2. Answers to later offers name any.
    if (peer_->fingerprints == peer.fingerprints && peer_->id == peer.id) return;
    close();
    sources_.clear();
    keys_.reset();
    address_.reset();
    attempts_ = 0;
    state_ = State::open;
  }
  peer_ = peer;
  if (peer.own_role == Role::client) {
    sources_.clear();  // of hellos that came before the answer
    return dial(now);
  }
  settle(now);
}

void Association::set_remote(const Address& remote, bool checked, Time now) {
  remote_ = remote;
  checked_ = checked_ || checked;
  if (checked && !sources_.empty()) sources_.back().address = remote;
  if (keys_ && checked) address_ = remote;
  if (peer_ && peer_->own_role == Role::client && sources_.empty()) dial(now);
}

void Association::dial(Time now) {
  if (!remote_ || state_ != State::open || attempts_ == attempts_max) return;
  ++attempts_;
  sources_.push_back({*remote_, std::make_unique<Machine>(identity_, Role::client, Bytes{})});
  sources_.back().machine->start(now);
  settle(now);
}

Association::Source* Association::find(const Address& from) {
  const bool is_client = peer_ && peer_->own_role == Role::client;
  if (is_client || checked_) return sources_.empty() ? nullptr : &sources_.back();
  const auto found = std::ranges::find(sources_, from, &Source::address);
  return found == sources_.end() ? nullptr : &*found;
}

/// A server's new source.
Association::Source* Association::admit(const Address& from, ByteView datagram) {
  if ((peer_ && peer_->own_role == Role::client) || !is_client_hello(datagram)) return nullptr;
  if (sources_.size() == sources_max) {
    const auto oldest =
        std::ranges::find_if(sources_, [&](const Source& each) { return each.address != remote_; });
    sources_.erase(oldest == sources_.end() ? sources_.begin() : oldest);
  }
  Bytes source;
  if (!checked_) {
    append(source, from.ip.bytes());
    append_u16(source, from.port);
  }
  sources_.push_back({from, std::make_unique<Machine>(identity_, Role::server, std::move(source))});
  return &sources_.back();
}

void Association::on_datagram(const Address& from, ByteView datagram, Time now) {
  if (state_ == State::failed) return;
  Source* source = find(from);
  // Once the peer is known nobody else may try.
  if (source == nullptr && state_ == State::open) source = admit(from, datagram);
  if (source == nullptr) return;
  if (checked_) source->address = from;
  source->machine->on_datagram(datagram, now);
  settle(now);
}

void Association::on_deadline(Time now) {
  for (Source& each : sources_) each.machine->on_deadline(now);
  settle(now);
}

std::optional<Time> Association::deadline() const {
  std::optional<Time> out;
  for (const Source& each : sources_) {
    const auto its = each.machine->deadline();
    if (its && (!out || *its < *out)) out = its;
  }
  return out;
}

void Association::flush(Source& source) {
  for (const Bytes& datagram : source.machine->take_output()) send_(source.address, datagram);
}

/// False: nothing more is to be expected of the source.
bool Association::judge(Source& source) {
  Machine& machine = *source.machine;
  flush(source);
  if (machine.state() == Machine::State::failed || machine.state() == Machine::State::closed) return false;
  if (machine.state() != Machine::State::connected || !peer_) return true;
  if (!machine.has_peer(peer_->fingerprints)) {
    log::warn("dtls", "{} has another certificate than the signalling says", print(source.address));
    // Nobody but the peer is dialled; anybody may dial.
    if (machine.role() == Role::client) state_ = State::failed;
    machine.close();
    flush(source);
    return false;
  }
  state_ = State::verified;
  keys_ = machine.keys();
  address_ = source.address;
  return true;
}

/// Sends what is to be sent, and looks at what has become of the machines.
void Association::settle(Time now) {
  if (state_ == State::verified) {
    for (Source& each : sources_) flush(each);
    return;
  }
  const bool had = !sources_.empty();
  for (auto each = sources_.begin(); each != sources_.end();) {
    each = judge(*each) ? each + 1 : sources_.erase(each);
    if (state_ == State::verified) break;
  }
  if (state_ == State::verified)
    std::erase_if(sources_, [&](const Source& each) { return each.address != *address_; });
  const bool is_client = peer_ && peer_->own_role == Role::client;
  if (!had || !sources_.empty() || !is_client || state_ != State::open) return;
  if (attempts_ == attempts_max) {
    state_ = State::failed;
    return;
  }
  dial(now);
}

void Association::close() {
  for (Source& each : sources_) {
    each.machine->close();
    flush(each);
  }
}

}  // namespace beckon::dtls
