#pragma once

#include <cstdint>
#include <optional>

#include "media/direct/types.hpp"
#include "media/rtcp/packet.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::direct {

/// A control message, carried in an SRTCP APP packet named BKDS (DIRECT_SESSIONS 7).
struct Control {
  enum class Type : std::uint8_t { ringing = 1, answer = 2, reject = 3, ack = 4 };
  Type type = Type::ringing;
  std::uint8_t number = 0;  ///< Counts a sender's messages from 1; an ACK: of the message it answers.
  Reason reason = Reason::none;
  crypto::Key32 ephemeral{};  ///< ANSWER only: the callee's EPH.
};

rtcp::App print(const Control& control, std::uint32_t ssrc);
/// Empty for other APP packets, unknown subtypes and wrong lengths.
std::optional<Control> parse_control(const rtcp::App& app);

}  // namespace beckon::direct
