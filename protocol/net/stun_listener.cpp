#include "protocol/net/stun_listener.hpp"

namespace beckon::net {
namespace {

constexpr std::size_t largest_reply = 548;  // octets; RFC 8489 6.1, for a path whose MTU is not known

}  // namespace

StunListener::StunListener(Loop& loop, Answer answer) : answer_(std::move(answer)), socket_(loop) {}

Result<Address> StunListener::listen(const Address& address) {
  return socket_.open(address, UdpSocket::Sharing::exclusive,
                      [this](const Address& from, const Address& to, std::string_view octets) {
                        const auto reply = answer_(from, as_bytes(octets));
                        if (!reply || reply->size() > largest_reply) return;
                        socket_.send(from, to.ip, share(as_text(*reply)), nullptr);
                      });
}

}  // namespace beckon::net
