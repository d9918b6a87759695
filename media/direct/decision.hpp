#pragma once

#include <cstdint>
#include <vector>

#include "media/direct/endpoint.hpp"
#include "media/direct/hello.hpp"

namespace beckon::direct {

/// What is known when a HELLO asks for a session (DIRECT_SESSIONS 9).
struct Request {
  ds1::Mode ticket = ds1::Mode::off;
  ds1::Mode permit = ds1::Mode::ask;  ///< The AOR's latest; none yet: ask.
  bool verified = false;              ///< The caller's device key, for the ticket's AOR.
  bool in_call = false;               ///< The user is in as many calls as this device answers by itself.
  ds1::Mode want = ds1::Mode::automatic;
  std::vector<HelloBody::Line> media;
};

/// The callee's answer.
struct Decision {
  ds1::Mode mode = ds1::Mode::off;  ///< `off`: refused with `refusal`.
  Reason refusal = Reason::none;
  std::vector<MediaLine> media;      ///< Own view; what both sides can and may do.
  std::vector<std::uint32_t> ssrcs;  ///< The caller's, one for each of `media`.
};

/// Lines that were not published, or that leave no direction, are left out; so are kinds whose mode is off.
/// The session has the lowest mode of what remains: a microphone never opens because another kind may answer
/// automatically.
Decision decide(const Request& request, const Published& published, const Policy& policy);

}  // namespace beckon::direct
